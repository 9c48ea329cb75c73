import { client, ok } from "@/lib/client";

// Routes that the server is about to have. Nothing of this stays.

type Method = "get" | "post" | "put" | "patch" | "delete";
interface Init {
  params?: { path?: Record<string, string>; query?: object };
  body?: unknown;
  signal?: AbortSignal;
}
const loose = client as unknown as { request: (method: Method, path: string, init: Init) => Promise<{ data?: unknown; error?: unknown; response: Response }> };

export const ask = <T>(method: Method, path: string, init: Init = {}): Promise<T> => ok(loose.request(method, path, init)) as Promise<T>;

export interface Paged<T> {
  items: T[];
  total: number;
  page: number;
  page_size: number;
  total_pages: number;
}

export interface Consent {
  client: { name: string; uri: string | null; logo_uri: string | null; registered_by_itself: boolean };
  scopes: { name: string; description: string }[];
  redirect_host: string | null;
  workspace: { id: string; name: string };
  expires_at: string;
  already_granted: boolean;
}
export interface Application {
  id: string;
  client: { id: string; name: string; uri: string | null };
  scopes: string[];
  granted_at: string;
  last_seen_at: string | null;
}
export interface OAuthClient {
  id: string;
  name: string;
  kind: "public" | "confidential";
  redirect_uris: string[];
  scopes: string[];
  grant_types: string[];
  client_uri: string | null;
  registered_by_itself: boolean;
  is_active: boolean;
  created_at: string;
  last_used_at: string | null;
}
export interface Quota {
  resource: string;
  label: { en: string; fr: string };
  unit: string;
  used: number;
  limit: number | null;
  per: string | null;
  resets_at: string | null;
}
export interface AuditVerified {
  ok: boolean;
  checked: number;
  from_seq: number | null;
  to_seq: number | null;
  head: string | null;
  fault: { seq: number; what: string } | null;
}
