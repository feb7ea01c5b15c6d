"use client";
import { usePreferences } from "../providers/PreferencesProvider";
import { Dialog } from "../ui/Dialog";
import { Select } from "../ui/Field";
import { PLACES } from "./navigation";

interface HelpDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

function Keys({ keys }: { keys: string }) {
  return (
    <span className="flex gap-1">
      {keys.split(" ").map((key) => (
        <kbd
          key={key}
          className="min-w-6 rounded border border-strong bg-raised px-1.5 py-0.5 text-center font-mono text-[11px]"
        >
          {key}
        </kbd>
      ))}
    </span>
  );
}

const OTHERS: readonly (readonly [string, string])[] = [
  ["j", "Next row"],
  ["k", "Row before"],
  ["Enter", "Open the row"],
  ["/", "To the page's filter"],
  ["Ctrl K", "Go to anything by name"],
  ["Esc", "Close"],
  ["?", "This help"],
  ["Ctrl Shift K", "Ask for the kill switch"],
];

/** Keyboard help and the operator's preferences in one place. */
export function HelpDialog({ open, onOpenChange }: HelpDialogProps) {
  const { theme, candles, zone, keys, set } = usePreferences();
  const rows = [...PLACES.map((place) => [`g ${place.key}`, place.label] as const), ...OTHERS];
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Keyboard and preferences"
      data-testid="help-dialog"
    >
      <div className="grid grid-cols-1 gap-x-8 gap-y-1.5 p-4 text-[13px] sm:grid-cols-2">
        {rows.map(([combination, label]) => (
          <div key={combination} className="flex items-center justify-between gap-3">
            <span className="text-soft">{label}</span>
            <Keys keys={combination} />
          </div>
        ))}
      </div>
      <div className="grid grid-cols-2 gap-3 border-t border-line p-4">
        <Select
          label="Theme"
          value={theme}
          onChange={(value) => set("theme", value)}
          options={[
            { value: "dark", label: "Dark" },
            { value: "light", label: "Light" },
          ]}
        />
        <Select
          label="Rise and fall"
          value={candles}
          onChange={(value) => set("candles", value)}
          options={[
            { value: "blueOrange", label: "Blue and orange" },
            { value: "greenRed", label: "Green and red" },
          ]}
        />
        <Select
          label="Times"
          value={zone}
          onChange={(value) => set("zone", value)}
          options={[
            { value: "utc", label: "UTC" },
            { value: "local", label: "Local time" },
          ]}
        />
        <Select
          label="Single-key shortcuts"
          value={keys}
          onChange={(value) => set("keys", value)}
          options={[
            { value: "on", label: "On" },
            { value: "off", label: "Off" },
          ]}
        />
      </div>
    </Dialog>
  );
}
