import { useState } from "react";
import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { MlFault } from "@/features/ml/components/bits";

interface Props {
  title: string;
  label: string;
  hint?: string;
  action: string;
  name?: string;
  isOpen: boolean;
  onClose: () => void;
  /** Rejections are shown in the dialog, which then stays. */
  onName: (name: string) => Promise<unknown>;
}

/** Asks for one name. */
export function NameDialog({ isOpen, ...props }: Props) {
  return isOpen ? <Open {...props} /> : null;
}

function Open({ title, label, hint, action, name = "", onClose, onName }: Omit<Props, "isOpen">) {
  const t = useT();
  const [text, setText] = useState(name);
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const submit = async () => {
    setPending(true);
    setFailure(null);
    try {
      await onName(text.trim());
      onClose();
    } catch (error) {
      setFailure(error);
      setPending(false);
    }
  };
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <TextField label={label} hint={hint} value={text} onChange={setText} autoFocus isRequired />
        <MlFault error={failure} />
        <div className="flex justify-end gap-2">
          <Button onPress={onClose}>{t("cancel")}</Button>
          <Button type="submit" variant="primary" isPending={pending} isDisabled={text.trim() === "" || text.trim() === name}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
