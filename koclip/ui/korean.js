// Some of what Gradio's components say is in English only. Korean readers, and listeners to screen
// readers, get it in Korean.
(() => {
  if (!navigator.language.startsWith("ko")) return;

  const PHRASES = [
    [/^Fullscreen$/, "크게 보기"],
    [/^Exit fullscreen mode$/, "작게 보기"],
    [/^Remove Image$/, "사진 치우기"],
    [/^(Upload file|File upload)$/, "파일 올리기"],
    [/^Click to upload or drop files$/, "눌러서 올리거나 끌어다 놓기"],
    [/^Remove this file$/, "이 파일 빼기"],
    [/^Capture from camera$/, "카메라로 찍기"],
    [/^grant webcam access$/, "카메라 허락하기"],
    [/^capture photo$/, "찍기"],
    [/^Paste from clipboard$/, "붙여 넣기"],
    [/^Reset to default value$/, "처음 값으로"],
    [/^number input for (.*)$/, "$1, 숫자로"],
    [/^range slider for (.*)$/, "$1, 막대로"],
    [/^Gradio footer navigation$/, "Gradio 바닥글"],
    [/^processing \|/, "답을 찾는 중 |"],
    [/^queue: (.*)\|/, "차례 $1|"],
  ];

  function korean(text) {
    const [phrase, translation] = PHRASES.find(([phrase]) => phrase.test(text)) ?? [];
    return phrase ? text.replace(phrase, translation) : text;
  }

  function translate() {
    for (const name of ["aria-label", "title"]) {
      for (const element of document.querySelectorAll(`[${name}]`)) {
        const said = element.getAttribute(name);
        if (korean(said) !== said) element.setAttribute(name, korean(said));
      }
    }
    for (const place of document.querySelectorAll("[data-testid=status-tracker] *")) {
      for (const text of place.childNodes) {
        if (text.nodeType === Node.TEXT_NODE && korean(text.data) !== text.data) text.data = korean(text.data);
      }
    }
  }

  new MutationObserver(translate).observe(document, {
    attributeFilter: ["aria-label", "title"], characterData: true, childList: true, subtree: true,
  });
})();
