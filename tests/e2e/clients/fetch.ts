import createClient from "openapi-fetch";
import type { paths } from "./api.d.ts";

const baseUrl = process.env.GATEWAY!;
const client = createClient<paths>({ baseUrl });
const signedIn = await client.POST("/api/v1/auth/login", { body: { email: process.env.EMAIL!, password: process.env.PASSWORD! } });
const headers = { Authorization: `Bearer ${signedIn.response.headers.get("x-access-token")}` };
const store = signedIn.data!.active_store_id!;
const key = () => ({ "Idempotency-Key": crypto.randomUUID() });
const listed = await client.GET("/api/v1/products", { headers });
const product = listed.data!.items![0]!;
const quoted = await client.POST("/api/v1/cart", {
  headers, params: { header: key() },
  body: { buyer_store_id: store, items: [{ product_id: product.id!, vendor_store_id: product.vendor_store_id!, quantity: product.moq! }] },
});
const bought = await client.POST("/api/v1/checkout", {
  headers, params: { header: key() },
  body: {
    cart_id: quoted.data!.id!, quote_version: quoted.data!.quote_version!, payment_method: "cash",
    shipping_address: { line1: "1 Main St", city: "Tulsa", state: "OK", postal_code: "74103", country: "US", lat: 36.15, lng: -95.99 },
  },
});
console.log(bought.response.status, bought.data!.checkout_group_id);
