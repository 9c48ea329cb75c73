import { Check, ChevronDown, Eye as EyeIcon, EyeOff, Minus } from "lucide-react";
import { useState, type ReactNode } from "react";
import {
  Button as AriaButton,
  Checkbox as AriaCheckbox,
  ComboBox,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  NumberField as AriaNumberField,
  Popover,
  Select,
  SelectValue,
  Switch as AriaSwitch,
  Text,
  TextArea as AriaTextArea,
  TextField as AriaTextField,
  type CheckboxProps,
  type NumberFieldProps,
  type SwitchProps,
  type TextFieldProps,
} from "react-aria-components";
import { useT } from "@/lib/i18n";
import { cx } from "./class-names";

const labelClass = "mb-1 block text-sm font-medium text-ink";
const hintClass = "mt-1 block text-xs text-muted";
const errorClass = "mt-1 block text-xs font-medium text-bad";
const invalidClass = "data-invalid:border-bad";

interface Common {
  label: string;
  hint?: ReactNode;
  /** A fault found by us or by the server; shown beside the field and read with it. */
  error?: string;
  /** The label is read, not shown: where what stands beside it says enough. */
  labelHidden?: boolean;
  className?: string;
}

function Foot({ hint, error }: Pick<Common, "hint" | "error">) {
  return (
    <>
      {hint && (
        <Text slot="description" className={hintClass}>
          {hint}
        </Text>
      )}
      <FieldError className={errorClass}>{error}</FieldError>
    </>
  );
}

function Unit({ children }: { children: string }) {
  return <span className="pointer-events-none absolute inset-y-0 right-2.5 flex items-center text-sm text-muted">{children}</span>;
}

interface TextProps extends Omit<TextFieldProps, "className" | "children">, Common {
  placeholder?: string;
  multiline?: boolean;
  rows?: number;
  mono?: boolean;
  unit?: string;
}

export function TextField({ label, labelHidden, hint, error, placeholder, multiline, rows = 3, mono, unit, className, ...props }: TextProps) {
  const t = useT();
  const [shown, setShown] = useState(false);
  const secret = props.type === "password";
  const Eye = shown ? EyeOff : EyeIcon;
  return (
    <AriaTextField {...props} isInvalid={error !== undefined || props.isInvalid} validationBehavior="aria" className={className}>
      <Label className={labelHidden ? "sr-only" : labelClass}>{label}</Label>
      {multiline ? (
        <AriaTextArea rows={rows} placeholder={placeholder} className={cx("control py-1.5", invalidClass, mono && "font-mono")} />
      ) : (
        <span className="relative block">
          <Input placeholder={placeholder} type={shown ? "text" : props.type} className={cx("control", invalidClass, mono && "font-mono text-sm", secret && "pr-10")} />
          {unit && <Unit>{unit}</Unit>}
          {secret && (
            <AriaButton
              slot={null}
              aria-label={t(shown ? "field.hide" : "field.show")}
              onPress={() => setShown(!shown)}
              className="absolute inset-y-0 right-0 flex w-10 cursor-pointer items-center justify-center rounded-r-control text-muted hover:text-ink"
            >
              <Eye aria-hidden className="size-4" />
            </AriaButton>
          )}
        </span>
      )}
      <Foot hint={hint} error={error} />
    </AriaTextField>
  );
}

interface NumberProps extends Omit<NumberFieldProps, "className" | "children">, Common {
  unit?: string;
}

export function NumberField({ label, labelHidden, hint, error, unit, className, ...props }: NumberProps) {
  return (
    <AriaNumberField {...props} isInvalid={error !== undefined} validationBehavior="aria" className={className}>
      <Label className={labelHidden ? "sr-only" : labelClass}>{label}</Label>
      <span className="relative block">
        <Input className={cx("control tabular-nums", invalidClass)} />
        {unit && <Unit>{unit}</Unit>}
      </span>
      <Foot hint={hint} error={error} />
    </AriaNumberField>
  );
}

export interface Option {
  id: string;
  label: string;
}

interface SelectProps extends Common {
  options: readonly Option[];
  value: string;
  onChange: (id: string) => void;
  isDisabled?: boolean;
}

export function SelectField({ label, hint, error, options, value, onChange, isDisabled, labelHidden, className }: SelectProps) {
  return (
    <Select
      value={value}
      onChange={(key) => key !== null && onChange(String(key))}
      isDisabled={isDisabled}
      isInvalid={error !== undefined}
      validationBehavior="aria"
      className={className}
    >
      <Label className={labelHidden ? "sr-only" : labelClass}>{label}</Label>
      <AriaButton className={cx("control flex cursor-pointer items-center justify-between gap-2 text-left", invalidClass)}>
        <SelectValue className="truncate">{({ selectedText }) => selectedText}</SelectValue>
        <ChevronDown aria-hidden className="size-4 shrink-0 text-muted" />
      </AriaButton>
      <Foot hint={hint} error={error} />
      <Popover className="appear min-w-(--trigger-width) rounded-card border border-line bg-raised p-1 shadow-float">
        <ListBox className="max-h-80 overflow-auto outline-none" items={options}>
          {(option) => (
            <ListBoxItem
              id={option.id}
              textValue={option.label}
              className="flex cursor-pointer items-center justify-between gap-4 rounded-control px-2.5 py-1.5 outline-none data-focused:bg-accent-soft pointer-coarse:py-2.5"
            >
              {({ isSelected }) => (
                <>
                  {option.label}
                  {isSelected && <Check aria-hidden className="size-4 text-accent" />}
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Select>
  );
}

interface ComboProps extends Common {
  /** What is offered; anything else may be typed. */
  options: readonly string[];
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  mono?: boolean;
}

/** A text with suggestions. */
export function ComboField({ label, hint, error, options, value, onChange, placeholder, mono, className }: ComboProps) {
  return (
    <ComboBox
      inputValue={value}
      onInputChange={onChange}
      allowsCustomValue
      allowsEmptyCollection={false}
      menuTrigger="input"
      items={options.map((id) => ({ id }))}
      isInvalid={error !== undefined}
      validationBehavior="aria"
      className={className}
    >
      <Label className={labelClass}>{label}</Label>
      <span className="relative block">
        <Input placeholder={placeholder} className={cx("control pr-9", invalidClass, mono && "font-mono text-sm")} />
        <AriaButton className="absolute inset-y-0 right-0 flex w-9 cursor-pointer items-center justify-center text-muted">
          <ChevronDown aria-hidden className="size-4" />
        </AriaButton>
      </span>
      <Foot hint={hint} error={error} />
      <Popover className="appear min-w-(--trigger-width) rounded-card border border-line bg-raised p-1 shadow-float">
        <ListBox className="max-h-72 overflow-auto outline-none">
          {(option: { id: string }) => (
            <ListBoxItem
              id={option.id}
              textValue={option.id}
              className={cx("cursor-pointer rounded-control px-2.5 py-1.5 outline-none data-focused:bg-accent-soft pointer-coarse:py-2.5", mono && "font-mono text-sm")}
            >
              {option.id}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}

interface CheckProps extends Omit<CheckboxProps, "children" | "className"> {
  children?: ReactNode;
  /** One of a list: a line of its own, the box beside the first line of what it says. */
  row?: boolean;
  className?: string;
}

export function Checkbox({ children, row, className, ...props }: CheckProps) {
  return (
    <AriaCheckbox {...props} className={cx("group cursor-pointer gap-2 data-disabled:cursor-not-allowed data-disabled:opacity-50", row ? "flex items-start" : "inline-flex items-center", className)}>
      {({ isSelected, isIndeterminate }) => (
        <>
          <span className={cx("flex size-4.5 shrink-0 items-center justify-center rounded-[4px] border border-line-strong bg-surface group-data-selected:border-accent group-data-selected:bg-accent group-data-indeterminate:border-accent group-data-indeterminate:bg-accent group-data-focus-visible:outline-2 group-data-focus-visible:outline-offset-2 group-data-focus-visible:outline-accent", row && "mt-0.5")}>
            {isIndeterminate ? (
              <Minus aria-hidden className="size-3.5 text-on-accent" strokeWidth={3} />
            ) : (
              isSelected && <Check aria-hidden className="size-3.5 text-on-accent" strokeWidth={3} />
            )}
          </span>
          {children}
        </>
      )}
    </AriaCheckbox>
  );
}

export function Switch({ children, className, ...props }: Omit<SwitchProps, "children" | "className"> & { children: ReactNode; className?: string }) {
  return (
    <AriaSwitch {...props} className={cx("group inline-flex cursor-pointer items-center gap-2 data-disabled:cursor-not-allowed data-disabled:opacity-50", className)}>
      <span className="flex h-5 w-9 shrink-0 items-center rounded-full border border-line-strong bg-sunken p-0.5 transition-colors group-data-selected:border-accent group-data-selected:bg-accent group-data-focus-visible:outline-2 group-data-focus-visible:outline-offset-2 group-data-focus-visible:outline-accent">
        <span className="size-3.5 rounded-full bg-muted transition-transform group-data-selected:translate-x-4 group-data-selected:bg-on-accent" />
      </span>
      {children}
    </AriaSwitch>
  );
}
