import { useT } from "@/lib/i18n";
import { Button } from "./button";
import { CopyButton } from "./copy";
import { TextField } from "./field";
import { Notice } from "./notice";

interface Props {
  secret: string;
  /** What it is. */
  label: string;
  notice?: string;
  hint?: string;
  onDone: () => void;
}

/** Something that is told this once: the server keeps no way to read it again. */
export function SecretOnce({ secret, label, notice, hint, onDone }: Props) {
  const t = useT();
  return (
    <div className="space-y-4">
      <Notice>{notice ?? t("once.notice")}</Notice>
      <TextField label={label} isReadOnly mono value={secret} hint={hint} />
      <div className="flex flex-wrap justify-end gap-2">
        <CopyButton text={() => secret} />
        <Button variant="primary" onPress={onDone}>
          {t("once.kept")}
        </Button>
      </div>
    </div>
  );
}
