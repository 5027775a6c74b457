// What an answer's buttons do. Everything happens in the browser: nothing is stored on the server.
(() => {
  const answerOf = (section) => JSON.parse(section.dataset.answer);

  const address = (section) => {
    const language = new URLSearchParams(location.search).get("lang");
    const link = section.dataset.link + (language ? `&lang=${language}` : "");
    return new URL(link, location.origin + location.pathname).href;
  };

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // not a secure context: the old way
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  function confirm(button) {
    const text = button.textContent;
    if (!button.dataset.done || text === button.dataset.done) return;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = text; }, 1600);
  }

  function save(content, type, ending) {
    const blob = content instanceof Blob ? content : new Blob([content], { type });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `koclip.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function asTable(answer) {
    const answers = answer.models ?? [answer];
    const rows = answers.flatMap(({ model, database, results }) => (
      results.map((row) => ({ model, ...(database && { database }), ...row }))));
    const columns = Object.keys(rows[0] ?? {});
    // What begins like a formula is one to a spreadsheet, unless an apostrophe stands before it.
    const plain = (value) => (
      typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? ""));
    const cell = (value) => `"${plain(value).replaceAll('"', '""')}"`;
    const lines = [columns, ...rows.map((row) => columns.map((name) => row[name]))];
    // The mark tells spreadsheets that the file is UTF-8: Korean survives.
    return "\uFEFF" + lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  // PNG: drawn on a canvas with the visitor's fonts, so that Korean looks as it does on the page.

  const FONT = getComputedStyle(document.documentElement).fontFamily || "sans-serif";
  const INK = "#1e1b4b", FAINT = "#475569", ACCENT = "#4f46e5", TRACK = "#e2e8f0";

  function sheet(width, height) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    return [canvas, pen];
  }

  function write(pen, text, x, y, { size = 26, colour = INK, bold = false, width = Infinity } = {}) {
    pen.font = `${bold ? "700" : "400"} ${size}px ${FONT}`;
    pen.fillStyle = colour;
    let shown = text;
    while (shown.length > 1 && pen.measureText(shown).width > width) shown = shown.slice(0, -2) + "…";
    pen.fillText(shown, x, y);
  }

  function place(pen, image, x, y, width, height) { // whole picture, centred in the box
    const scale = Math.min(width / image.naturalWidth, height / image.naturalHeight);
    const [w, h] = [image.naturalWidth * scale, image.naturalHeight * scale];
    pen.drawImage(image, x + (width - w) / 2, y + (height - h) / 2, w, h);
  }

  const draw = {
    labels(section) {
      const lists = [...section.querySelectorAll(".column")];
      const columns = lists.length ? lists : [section];
      const rows = columns.map((column) => [...column.querySelectorAll(".scores li")].slice(0, 10));
      const [canvas, pen] = sheet(420 + 560 * columns.length, 100 + 76 * Math.max(5, ...rows.map((r) => r.length)));
      place(pen, section.querySelector("img.subject"), 40, 60, 340, canvas.height - 120);
      columns.forEach((column, i) => {
        const left = 420 + 560 * i;
        write(pen, column.querySelector("h3")?.textContent ?? "KoCLIP", left, 46, { size: 22, colour: FAINT });
        rows[i].forEach((row, j) => {
          const y = 96 + 76 * j;
          write(pen, row.querySelector(".label").textContent, left, y, { bold: j === 0, width: 380 });
          write(pen, row.querySelector(".figure b").textContent, left + 400, y);
          pen.fillStyle = TRACK;
          pen.fillRect(left, y + 14, 500, 10);
          pen.fillStyle = ACCENT;
          pen.fillRect(left, y + 14, 5 * parseFloat(row.querySelector(".bar i").style.width), 10);
        });
      });
      return canvas;
    },
    images(section) {
      const figures = [...section.querySelectorAll("figure")];
      const [canvas, pen] = sheet(1280, 100 + 330 * Math.ceil(figures.length / 4));
      write(pen, section.dataset.title ?? "KoCLIP", 40, 60, { bold: true, width: 1200 });
      figures.forEach((figure, i) => {
        const [x, y] = [40 + 305 * (i % 4), 90 + 330 * Math.floor(i / 4)];
        const image = figure.querySelector("img"); // none of a picture that cannot be shown
        if (image) place(pen, image, x, y, 285, 214);
        write(pen, image?.alt ?? "", x, y + 246, { size: 20, width: 285 });
        const credits = figure.querySelector("small").textContent;
        write(pen, credits, x, y + 272, { size: 15, colour: FAINT, width: 285 });
      });
      return canvas;
    },
    patches(section) {
      const picture = section.querySelector(".stage img");
      const [width, height] = [picture.naturalWidth, picture.naturalHeight];
      const [canvas, pen] = sheet(width, height);
      const layers = section.querySelectorAll(".stage img:not([hidden])");
      layers.forEach((layer) => pen.drawImage(layer, 0, 0, width, height));
      section.querySelectorAll(".stage [data-box]:not([hidden])").forEach((box) => {
        const at = (side) => parseFloat(box.style[side]) / 100;
        const colour = getComputedStyle(box).borderTopColor;
        pen.strokeStyle = colour;
        pen.lineWidth = Math.max(3, width / 250);
        const [x, y] = [at("left") * width, at("top") * height];
        pen.strokeRect(x, y, at("width") * width, at("height") * height);
        write(pen, box.textContent, x + 8, y + width / 28, { size: width / 32, colour, bold: true });
      });
      return canvas;
    },
  };

  const actions = {
    link: async (section, button) => { await copy(address(section)); confirm(button); },
    code: async (section, button) => {
      await copy(section.querySelector("pre").textContent);
      confirm(button);
    },
    json: (section) => save(JSON.stringify(answerOf(section), null, 2), "application/json", "json"),
    csv: (section) => save(asTable(answerOf(section)), "text/csv", "csv"),
    png: (section) => draw[section.dataset.kind](section).toBlob((blob) => save(blob, "", "png")),
    query: (section, button) => { // whose heat and boxes are shown
      for (const part of section.querySelectorAll("[data-query]")) {
        const chosen = part.dataset.query === button.dataset.query;
        if (part.matches("[data-do]")) part.setAttribute("aria-pressed", String(chosen));
        else part.hidden = !chosen;
      }
    },
    layer: (section, button) => {
      const hidden = section.classList.toggle(`no-${button.dataset.layer}`);
      button.setAttribute("aria-pressed", String(!hidden));
    },
  };

  const onPage = {
    skip: (link, event) => { // Gradio's <base> would make the fragment an address of its own
      event.preventDefault();
      const content = document.getElementById("demos");
      content.tabIndex = -1;
      content.focus();
    },
    theme: () => {
      const dark = document.body.classList.toggle("dark");
      try { localStorage.setItem("koclip-theme", dark ? "dark" : "light"); } catch {}
    },
    language: (button) => {
      const url = new URL(location.href);
      const shown = [...document.querySelectorAll(".answer[data-link]")]
        .find((section) => section.offsetParent && section.dataset.link);
      if (shown) url.search = shown.dataset.link;
      url.searchParams.set("lang", button.dataset.language);
      location.href = url;
    },
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-do]");
    if (!button) return;
    const section = button.closest(".answer");
    if (section) actions[button.dataset.do](section, button);
    else onPage[button.dataset.do](button, event);
  });

  // Gradio gives every radio button a name of its own, again and again: arrow keys would lead nowhere.
  function joinRadios({ target }) {
    const group = target.type === "radio" && target.closest(".segmented");
    if (!group) return;
    const [first, ...others] = group.querySelectorAll("input[type=radio]");
    for (const other of others) other.name = first.name;
  }
  document.addEventListener("focusin", joinRadios);
  document.addEventListener("keydown", joinRadios);

  try {
    const theme = localStorage.getItem("koclip-theme");
    if (theme) document.body.classList.toggle("dark", theme === "dark");
  } catch {}
})();
