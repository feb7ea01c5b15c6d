"use client";
import { useCallback, useState } from "react";
import { errorText } from "../errorText";

/** Runs a change once at a time and keeps its error beside the control; resolves to undefined when it failed. */
export function useSubmit<Args extends unknown[], Value>(act: (...args: Args) => Promise<Value>) {
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = useCallback(
    async (...args: Args): Promise<Value | undefined> => {
      setIsBusy(true);
      setError(null);
      try {
        return await act(...args);
      } catch (caught) {
        setError(errorText(caught));
        return undefined;
      } finally {
        setIsBusy(false);
      }
    },
    [act],
  );
  return { submit, isBusy, error, setError };
}
