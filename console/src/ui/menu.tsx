import { Check } from "lucide-react";
import type { ReactNode } from "react";
import { Menu as AriaMenu, MenuItem as AriaMenuItem, MenuTrigger, Popover, type Key, type MenuItemProps, type MenuProps } from "react-aria-components";

export { MenuTrigger };

export function Menu({ children, label, ...props }: Omit<MenuProps<object>, "className" | "children"> & { children: ReactNode; label: string }) {
  return (
    <Popover className="appear min-w-52 rounded-card border border-line bg-raised p-1 shadow-float">
      <AriaMenu {...props} aria-label={label} className="outline-none">
        {children}
      </AriaMenu>
    </Popover>
  );
}

export function MenuItem({ id, children, text, ...props }: Omit<MenuItemProps, "className" | "children"> & { id: Key; children: ReactNode; text: string }) {
  return (
    <AriaMenuItem
      {...props}
      id={id}
      textValue={text}
      className="flex cursor-pointer items-center gap-2.5 rounded-control px-2.5 py-1.5 outline-none data-focused:bg-accent-soft pointer-coarse:py-2.5"
    >
      {({ isSelected, selectionMode }) => (
        <>
          {children}
          {selectionMode !== "none" && isSelected && <Check aria-hidden className="ml-auto size-4 text-accent" />}
        </>
      )}
    </AriaMenuItem>
  );
}
