import { OpenOrders } from "@/features/orders/OpenOrders";

export default function OpenOrdersPage() {
  return <OpenOrders />;
}
