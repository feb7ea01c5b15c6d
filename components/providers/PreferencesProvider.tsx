"use client";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { DEFAULT_PREFERENCES, PREFERENCES_COOKIE, type Preferences, printPreferences } from "../preferences";

interface PreferencesValue extends Preferences {
  set: <K extends keyof Preferences>(key: K, value: Preferences[K]) => void;
}

const Context = createContext<PreferencesValue>({ ...DEFAULT_PREFERENCES, set: () => {} });

export function PreferencesProvider({ initial, children }: { initial: Preferences; children: ReactNode }) {
  const [preferences, setPreferences] = useState(initial);
  const set = useCallback<PreferencesValue["set"]>((key, value) => {
    setPreferences((before) => {
      const after = { ...before, [key]: value };
      // biome-ignore lint/suspicious/noDocumentCookie: the cookie store API is not in every browser yet
      document.cookie = `${PREFERENCES_COOKIE}=${printPreferences(after)}; path=/; max-age=31536000; samesite=lax`;
      document.documentElement.className = after.theme;
      document.documentElement.dataset.candles = after.candles;
      return after;
    });
  }, []);
  const value = useMemo(() => ({ ...preferences, set }), [preferences, set]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function usePreferences(): PreferencesValue {
  return useContext(Context);
}
