/** Pages for those who are not signed in, or need not be: nobody is sent to the sign-in from there, nor back to them after. */
const DOORS = new Set(["/login", "/welcome", "/reset", "/signup", "/forgot", "/verify", "/confirm-email"]);

export function isDoor(path: string): boolean {
  return DOORS.has(path.replace(/\/+$/, ""));
}

/** An invitation is read by anybody; yet whoever signs in on its account comes back to it. */
export function isOpen(path: string): boolean {
  return isDoor(path) || path === "/invitation";
}
