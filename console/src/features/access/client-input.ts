/** One entry a line, as people type them. */
export function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

export const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

/** How an application may come to its tokens; on devices without a browser by a code that is entered elsewhere. */
export function grantsOf(devices: boolean): string[] {
  return ["authorization_code", "refresh_token", ...(devices ? [DEVICE] : [])];
}
