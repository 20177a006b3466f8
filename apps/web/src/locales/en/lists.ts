export default {
  readOnly: "Changes are made on a larger screen.",
  views: {
    label: "Saved views",
    edit: "Save this view…",
    text: "Keeps filters, columns, order and groups of this list in your profile.",
    name: "Name",
    save: "Save",
    replace: "Replace",
    remove: "Remove {{name}}",
    full: "There are {{count}} views: remove one first.",
  },
};
