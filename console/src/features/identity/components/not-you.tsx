import { useRouter } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import { useSignOut } from "@/lib/session";

/** The way to another account, and back to this page. */
export function NotYou() {
  const t = useT();
  const router = useRouter();
  const signOut = useSignOut();
  return (
    <p className="mt-5 text-sm">
      <button
        type="button"
        className="cursor-pointer text-accent hover:underline"
        onClick={() => {
          const next = router.state.location.href;
          signOut.mutate(undefined, { onSuccess: () => router.navigate({ to: "/login", search: { next } }) });
        }}
      >
        {t("consent.notYou")}
      </button>
    </p>
  );
}
