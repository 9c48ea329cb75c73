import { hasMessage, type Translate } from "./i18n";

/** Built-in roles have words; roles that an administrator made are their own. */
export function roleLabel(t: Translate, role: string): string {
  const key = `role.${role}`;
  return hasMessage(key) ? t(key) : role;
}

/** What a permission lets do: our words, else the server's. */
export function permissionLabel(t: Translate, name: string, description?: string): string {
  const key = `permission.${name}`;
  return hasMessage(key) ? t(key) : (description ?? name);
}

/** A module by what people call it. */
export function moduleLabel(t: Translate, name: string): string {
  const key = `module.${name}`;
  return hasMessage(key) ? t(key) : name;
}

/** What a scope lets do: `read` and `write` are all permissions of a kind, the rest are single permissions. */
export function scopeLabel(t: Translate, name: string, description?: string): string {
  const key = `scope.${name}`;
  return hasMessage(key) ? t(key) : permissionLabel(t, name, description);
}
