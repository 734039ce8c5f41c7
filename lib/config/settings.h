/* lib/config/settings.h - the table of settings; a guard compares it with frontdesk.env(5). */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_SETTINGS_H
#define DESK_SETTINGS_H

/* X(type, name, default, min, max, doc); for strings min..max are bytes, max 0 is 4096. */
#define DESK_SETTINGS(X)                                                                           \
	X(SECRET, DATABASE_URL, "", 0, 0, "Postgres of the app's login role: postgresql://… or a conninfo string") \
	X(SECRET, DATABASE_ADMIN_URL, "", 0, 0, "Postgres of the owner role, for migrations and tenants") \
	X(INT, DB_POOL_SIZE, "8", 1, 200, "connections a process")                                  \
	X(BOOL, DB_PREPARED_STATEMENTS, "on", 0, 0, "off behind PgBouncer before 1.21 in transaction mode") \
	X(INT, DB_STATEMENT_TIMEOUT_MS, "30000", 100, 3600000, "longest statement")                 \
	X(SECRET, REDIS_URL, "", 0, 0, "redis://[:password@]host:port[/db] or unix:///path; empty: no Redis") \
	X(SECRET, JWT_SECRET, "", 0, 0, "signs access tokens; at least 32 random bytes")            \
	X(INT, JWT_EXPIRES_MINUTES, "60", 1, 525600, "life of an access token")                     \
	X(SECRET, OPENAI_API_KEY, "", 0, 0, "key for OpenAI or a compatible server")                \
	X(STR, OPENAI_BASE_URL, "https://api.openai.com/v1", 0, 0, "any OpenAI-compatible server")  \
	X(STR, OPENAI_MODEL, "gpt-4o-mini", 0, 255, "chat model")                                   \
	X(STR, OPENAI_EMBEDDING_MODEL, "text-embedding-3-small", 0, 255, "embedding model")         \
	X(INT, OPENAI_EMBEDDING_DIMENSION, "1536", 8, 4000, "length of its vectors")                \
	X(STR, AZURE_OPENAI_ENDPOINT, "", 0, 0, "https://NAME.openai.azure.com")                    \
	X(SECRET, AZURE_OPENAI_KEY, "", 0, 0, "key of the Azure resource")                          \
	X(STR, AZURE_OPENAI_DEPLOYMENT, "", 0, 255, "deployment of the chat model; empty: named as OPENAI_MODEL") \
	X(STR, AZURE_OPENAI_EMBEDDING_DEPLOYMENT, "", 0, 255, "deployment of the embedding model")  \
	X(STR, AZURE_OPENAI_API_VERSION, "2024-10-21", 0, 64, "api-version of every call")          \
	X(STR, LLM_PROVIDER, "auto", 0, 32, "auto, none, openai or azure; auto takes what has a key") \
	X(INT, LLM_TIMEOUT_MS, "30000", 100, 600000, "after that the extractive answer is given")   \
	X(INT, LLM_MAX_TOKENS, "600", 16, 32000, "longest answer")                                  \
	X(STR, EMBEDDING_PROVIDER, "builtin", 0, 32, "builtin, openai or azure")                    \
	X(STR, EMBEDDING_MODEL_PATH, "", 0, 0, "the builtin model's file; empty: the installed one") \
	X(INT, EMBEDDING_THREADS, "0", 0, 256, "inferences at once a process; 0: one a core")       \
	X(STR, EMBEDDING_LANGUAGES, "", 0, 255, "what a server's embedding model speaks, like de en fr; empty: all") \
	X(BOOL, EGRESS_ALLOW_PRIVATE, "off", 0, 0, "let outgoing calls reach private addresses")    \
	X(STR, EGRESS_ALLOW_HOSTS, "", 0, 0, "host or host:port, comma separated, allowed though private") \
	X(STR, WHATSAPP_VERIFY_TOKEN, "", 0, 0, "token of the webhook handshake")                   \
	X(SECRET, WHATSAPP_ACCESS_TOKEN, "", 0, 0, "token of the Graph API")                        \
	X(SECRET, WHATSAPP_WEBHOOK_SECRET, "", 0, 0, "app secret that signs webhooks")              \
	X(SECRET, SENTRY_DSN, "", 0, 0, "where crashes are reported; empty: nowhere")               \
	X(STR, SAML_ENTITY_ID, "", 0, 0, "our entity id")                                           \
	X(STR, SAML_SSO_URL, "", 0, 0, "the identity provider's sign-on address")                   \
	X(STR, SAML_CERTIFICATE, "", 0, 65536, "the identity provider's certificate, PEM")          \
	X(STR, GOOGLE_CLIENT_ID, "", 0, 0, "audience of Google ID tokens")                          \
	X(STR, FACEBOOK_APP_ID, "", 0, 0, "app of Facebook access tokens")                          \
	X(STR, FCGI_SOCKET, "/run/frontdesk/fcgi.sock", 0, 107, "unix socket of the master")        \
	X(STR, FCGI_SOCKET_MODE, "0660", 0, 4, "its permissions, octal")                            \
	X(INT, FCGI_WORKERS, "0", 0, 1024, "worker processes; 0: one a core")                       \
	X(INT, FCGI_THREADS, "32", 1, 512, "accept threads a worker process")                       \
	X(INT, FCGI_DRAIN_SECONDS, "30", 1, 3600, "how long a stopping worker may finish requests") \
	X(INT, REQUEST_TIMEOUT_MS, "60000", 100, 600000, "deadline of a request")                   \
	X(INT, JOBS_CONCURRENCY, "0", 0, 256, "jobs at once; 0: one a core")                        \
	X(INT, JOB_LEASE_SECONDS, "30", 1, 3600, "a job whose worker is silent so long is taken over") \
	X(INT, DOCUMENT_MAX_MB, "200", 1, 4096, "largest document")                                 \
	X(STR, EXTRACT_PROGRAM, "", 0, 0, "the sandboxed extractor; empty: the installed one")      \
	X(STR, DATA_DIR, "", 0, 0, "holds sql/ and models/; empty: as installed")                     \
	X(STR, LOG_LEVEL, "info", 0, 8, "debug, info, warn or error")                               \
	X(STR, LOG_FILE, "", 0, 0, "append lines there; empty: standard error")

#endif
