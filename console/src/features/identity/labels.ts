import { hasMessage, type Translate } from "@/lib/i18n";

/** Built-in roles have words; roles that an administrator made are their own. */
export function roleLabel(t: Translate, role: string): string {
  const key = `role.${role}`;
  return hasMessage(key) ? t(key) : role;
}
