import { Link } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import { buttonClass } from "@/ui/button";

export function BackToSignIn({ email }: { email?: string }) {
  const t = useT();
  return (
    <p>
      <Link to="/login" search={email ? { email } : {}} className="text-accent hover:underline">
        {t("login.back")}
      </Link>
    </p>
  );
}

/** What is next, after something was done. */
export function ToSignIn() {
  const t = useT();
  return (
    <Link to="/login" className={`${buttonClass("primary")} w-full`}>
      {t("login.title")}
    </Link>
  );
}
