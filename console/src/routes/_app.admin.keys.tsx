import { createFileRoute } from "@tanstack/react-router";
import { SigningKeys } from "@/features/access/components/signing-keys";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/keys")({ component: Keys });

function Keys() {
  const t = useT();
  const allowed = useCan("identity.signing_keys.read");
  const editable = useCan("identity.signing_keys.write");
  return (
    <Page title={t("nav.signingKeys")} subtitle={t("signing.subtitle")} narrow>
      {allowed ? <SigningKeys editable={editable} /> : <Denied />}
    </Page>
  );
}
