"""Published files of weights, in every form that there is, and the parameters in them."""
