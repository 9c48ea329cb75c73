import { Copy } from "lucide-react";
import { useT } from "@/lib/i18n";
import { Button, IconButton } from "./button";
import { toast } from "./toast";

/** Browsers lend the clipboard to HTTPS and this machine alone; elsewhere the text is there to be chosen, and no button. */
export function CopyButton({ text, label, compact }: { text: () => string; label?: string; compact?: boolean }) {
  const t = useT();
  if (!window.isSecureContext) return null;
  const name = label ?? t("copy");
  const copy = () => navigator.clipboard.writeText(text()).then(
    () => toast(t("copied")),
    () => toast(t("copy.refused"), "bad"),
  );
  return compact ? (
    <IconButton icon={Copy} label={name} onPress={copy} />
  ) : (
    <Button icon={Copy} onPress={copy}>
      {name}
    </Button>
  );
}
