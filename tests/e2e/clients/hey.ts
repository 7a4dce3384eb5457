import { client } from "./heyapi/client.gen.ts";
import { checkout, listProducts, login, quoteCart } from "./heyapi/sdk.gen.ts";

client.setConfig({ baseUrl: process.env.GATEWAY! });
const signedIn = await login({ body: { email: process.env.EMAIL!, password: process.env.PASSWORD! } });
const auth = () => signedIn.response.headers.get("x-access-token")!;
const headers = () => ({ "Idempotency-Key": crypto.randomUUID() });
const listed = await listProducts({ auth });
const product = listed.data!.items![0]!;
const quoted = await quoteCart({
  auth, headers: headers(),
  body: { buyer_store_id: signedIn.data!.active_store_id!, items: [{ product_id: product.id!, vendor_store_id: product.vendor_store_id!, quantity: product.moq! }] },
});
const bought = await checkout({
  auth, headers: headers(),
  body: {
    cart_id: quoted.data!.id!, quote_version: quoted.data!.quote_version!, payment_method: "cash",
    shipping_address: { line1: "1 Main St", city: "Tulsa", state: "OK", postal_code: "74103", country: "US", lat: 36.15, lng: -95.99 },
  },
});
console.log(bought.response.status, bought.data!.checkout_group_id);
