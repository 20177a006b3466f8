export default {
  label: "Price alerts",
  created: "Created",
  condition: "Condition",
  price: "Price",
  note: "Note",
  conditions: {
    above: "At or above",
    below: "At or below",
    crosses: "Crosses",
  },
  now: "Now {{price}}",
  some: "Alerts of the first {{count}} accounts in view are shown.",
  empty: "No price alerts.",
  emptyHint: "An alert says once that a price is reached, here and to the sinks. It trades nothing.",
  create: {
    title: "New price alert",
    effect: "It fires once, and trades nothing.",
    action: "Create the alert",
    done: "The alert on {{symbol}} is created.",
  },
  remove: {
    action: "Remove",
    title: "Remove the alert on {{symbol}}",
    effect: "It does not fire any more.",
    done: "The alert is removed.",
  },
};
