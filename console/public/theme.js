// Runs before the first paint, so that nobody sees the other theme flash by. A file of its own because the policy allows no inline script.
(function () {
  var theme = null;
  try {
    theme = localStorage.getItem("socle.theme");
  } catch {
    // Storage may be closed to us; the system's choice is then right.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
