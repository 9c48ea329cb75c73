/** What is copied, saved or printed: the codes under a line that says whose they are. */
export function recoveryText(head: string, codes: readonly string[]): string {
  return `${head}\n\n${codes.join("\n")}\n`;
}

/** Hands a text to the browser's downloads, without asking anybody for it. */
export function saveText(name: string, text: string, type = "text/plain;charset=utf-8") {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

/** A secret in groups of four, for those who type it. */
export function grouped(secret: string): string {
  return secret.replace(/(.{4})(?=.)/g, "$1 ");
}
