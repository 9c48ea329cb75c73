/** A device's code as it is shown there: capitals, in two halves. What people type around it means nothing. */
export function userCode(typed: string): string {
  const plain = typed.toUpperCase().replace(/[^A-Z0-9]/g, "").slice(0, 12);
  return plain.length > 4 ? `${plain.slice(0, 4)}-${plain.slice(4)}` : plain;
}

/** Never into a script, whatever the server was told. */
export function leaveFor(address: string, go: (address: string) => void = (to) => location.assign(to)): boolean {
  try {
    if (/^(javascript|data|vbscript|blob):$/.test(new URL(address, location.href).protocol)) return false;
  } catch {
    return false;
  }
  go(address);
  return true;
}
