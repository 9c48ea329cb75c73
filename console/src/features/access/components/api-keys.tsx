import { useQuery } from "@tanstack/react-query";
import { KeySquare, Plus } from "lucide-react";
import { useState } from "react";
import type { ApiKey } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { useMe } from "@/lib/session";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Section } from "@/ui/page";
import { Pager } from "@/ui/pager";
import { Empty, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";
import { NewApiKeyDialog } from "@/features/access/forms/api-key-form";
import { apiKeysQuery, useRevokeApiKey } from "@/features/access/queries";
import { expiryState } from "@/features/access/scopes";
import { ScopeWords } from "./scope-badges";

export function ApiKeys() {
  const t = useT();
  const [page, setPage] = useState(1);
  const query = useQuery(apiKeysQuery(page));
  const revoke = useRevokeApiKey();
  const [making, setMaking] = useState(false);
  const [leaving, setLeaving] = useState<ApiKey | null>(null);
  return (
    <Section
      title={t("keys.title")}
      flush
      actions={
        <Button small icon={Plus} onPress={() => setMaking(true)}>
          {t("keys.new")}
        </Button>
      }
    >
      <Loaded query={query} rows={3}>
        {(keys) =>
          keys.items.length === 0 ? (
            <Empty icon={KeySquare} title={t("keys.none")}>
              {t("keys.noneBody")}
            </Empty>
          ) : (
            <>
              <ul className="divide-y divide-line">
                {keys.items.map((key) => (
                  <KeyRow key={key.id} apiKey={key} onRevoke={() => setLeaving(key)} />
                ))}
              </ul>
              <Pager page={keys.page} totalPages={keys.total_pages} total={keys.total} onPage={setPage} />
            </>
          )
        }
      </Loaded>
      <NewApiKeyDialog isOpen={making} onClose={() => setMaking(false)} />
      {leaving && (
        <Confirm
          isOpen
          title={t("keys.revoke")}
          body={t("keys.revokeBody", { name: leaving.name })}
          action={t("keys.revoke")}
          onClose={() => setLeaving(null)}
          onConfirm={() => revoke.mutateAsync(leaving.id).then(() => toast(t("keys.revoked")))}
        />
      )}
    </Section>
  );
}

function KeyRow({ apiKey: key, onRevoke }: { apiKey: ApiKey; onRevoke: () => void }) {
  const t = useT();
  const format = useFormat();
  const { workspace, workspaces } = useMe();
  const state = expiryState(key.expires_at);
  const elsewhere = key.workspace_id === workspace.id ? null : (workspaces.find((one) => one.id === key.workspace_id)?.name ?? key.workspace_id);
  return (
    <li className="flex flex-wrap items-center gap-x-6 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium break-words">{key.name}</span>
          <code className="text-xs text-muted">{key.prefix}…</code>
          {state === "over" && <Badge tone="bad">{t("keys.over")}</Badge>}
          {state === "soon" && <Badge tone="warn">{t("keys.soon")}</Badge>}
        </p>
        <p className="text-sm text-muted">
          <ScopeWords scopes={key.scopes} /> · {t("applications.since", { at: format.date(key.created_at) })} · {key.last_used_at ? t("used", { ago: format.ago(key.last_used_at) }) : t("unused")} ·{" "}
          {key.expires_at ? t("keys.until", { at: format.date(key.expires_at) }) : t("keys.forever")}
          {elsewhere && ` · ${t("keys.in", { workspace: elsewhere })}`}
        </p>
      </div>
      <Button small onPress={onRevoke} aria-label={t("keys.revokeOf", { name: key.name })}>
        {t("keys.revoke")}
      </Button>
    </li>
  );
}
