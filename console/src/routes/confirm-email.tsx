import { createFileRoute, Link } from "@tanstack/react-router";
import { Door } from "@/features/identity/components/door";
import { useConfirmEmail } from "@/features/identity/doors";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { textOf } from "@/lib/search";
import { Button, buttonClass } from "@/ui/button";
import { Notice } from "@/ui/notice";

export const Route = createFileRoute("/confirm-email")({
  validateSearch: (search: Record<string, unknown>): { token?: string } => ({ token: textOf(search.token) }),
  component: ConfirmEmail,
});

/** One of the two links of a change of address: one went to the old address, one to the new. */
function ConfirmEmail() {
  const t = useT();
  const { token } = Route.useSearch();
  const confirm = useConfirmEmail();
  const problem = confirm.isError ? toProblem(confirm.error) : null;
  return (
    <Door title={t("confirmEmail.title")} intro={token && !confirm.isSuccess ? t("confirmEmail.intro") : undefined}>
      <div className="space-y-5">
        {!token && <Notice tone="bad">{t("verify.noToken")}</Notice>}
        {confirm.data && (
          <>
            <Notice tone={confirm.data.done ? "good" : "info"}>
              {t(confirm.data.done ? "confirmEmail.done" : confirm.data.waiting_for === "old" ? "confirmEmail.waitsOld" : "confirmEmail.waitsNew")}
            </Notice>
            <Link to="/account" className={`${buttonClass("primary")} w-full`}>
              {t("account.title")}
            </Link>
          </>
        )}
        {problem && <Notice problem={problem} />}
        {token && !confirm.isSuccess && problem?.code !== "identity.link-refused" && (
          <Button variant="primary" className="w-full" autoFocus isPending={confirm.isPending} onPress={() => confirm.mutate(token)}>
            {t("verify.submit")}
          </Button>
        )}
      </div>
    </Door>
  );
}
