/** The keys of a section, with texts of another language. */
export type Same<Texts> = { [Key in keyof Texts]: Texts[Key] extends string ? string : Same<Texts[Key]> };
