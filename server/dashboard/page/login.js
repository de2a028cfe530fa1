// Shows the token to the server once; what the browser keeps is a cookie that scripts cannot read.
const form = document.getElementById("form");
const problem = document.getElementById("problem");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = document.getElementById("token");
  problem.textContent = "";
  let answer;
  try {
    answer = await fetch("/dashboard/session", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Polydesk": "dashboard" },
      body: JSON.stringify({ token: field.value.trim() }),
    });
  } catch {
    problem.textContent = "The server cannot be reached.";
    return;
  }
  if (answer.ok) {
    location.replace("/dashboard");
    return;
  }
  const told = await answer.json().catch(() => ({}));
  problem.textContent = answer.status === 429 ? "Too many attempts: wait a minute." : told.error ?? "That did not work.";
  field.value = "";
  field.focus();
});
