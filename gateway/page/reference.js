"use strict";
// A token that an answer brings is kept in the page's memory, under the surface it was minted for.
const claimsOf = (token) => JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));

const keepToken = (answer) => {
  const token = answer.headers?.["x-access-token"];
  if (token) reference.preauthorizeApiKey([claimsOf(token).aud].flat()[0].replace("marketmesh.", ""), token);
  return answer;
};

const freshKey = (request) => {
  if (request.headers?.["Idempotency-Key"] === "3f0c1b7e-5d0a-4c59-9f7e-2b8f4f6a1c11") request.headers["Idempotency-Key"] = crypto.randomUUID();
  return request;
};

const reference = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  filter: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  requestInterceptor: freshKey,
  responseInterceptor: keepToken,
});
