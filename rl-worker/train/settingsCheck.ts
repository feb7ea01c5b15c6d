/** Range checks of an algorithm's settings; each throws a RangeError naming the field and its limit. */
export function settingsCheck<Settings extends object>(settings: Settings) {
  type Field = keyof Settings & string;
  return {
    integer(field: Field, low: number, high: number): void {
      const value = settings[field] as number;
      if (Number.isInteger(value) && value >= low && value <= high) return;
      throw new RangeError(`settings.${field} must be an integer in ${low} .. ${high}, got ${value}`);
    },
    real(field: Field, low: number, high: number): void {
      const value = settings[field] as number;
      if (value >= low && value <= high) return;
      throw new RangeError(`settings.${field} must be in ${low} .. ${high}, got ${value}`);
    },
  };
}
