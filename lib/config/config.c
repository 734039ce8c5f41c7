/* lib/config/config.c - load the settings: file, environment over it, checks. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_int.h"

extern char **environ;

#define CONFIG_STRING_MAX 4096
#define CONFIG_JWT_MIN 32

#define CONFIG_IS_SECRET_STR false
#define CONFIG_IS_SECRET_SECRET true
#define CONFIG_IS_SECRET_INT false
#define CONFIG_IS_SECRET_BOOL false
#define CONFIG_ROW(type, name, dflt, min, max, doc) \
	{ #name, #type, dflt, doc, min, max, CONFIG_IS_SECRET_##type },
static const struct desk_setting config_rows[] = { DESK_SETTINGS(CONFIG_ROW) };
#undef CONFIG_ROW
#define CONFIG_COUNT DESK_ARRAY_LEN(config_rows)

#define CONFIG_OFFSET(type, name, dflt, min, max, doc) offsetof(struct desk_config, name),
static const size_t config_offsets[] = { DESK_SETTINGS(CONFIG_OFFSET) };
#undef CONFIG_OFFSET

/* From the manuals and samples of this field, and what people type to get going. */
static const char *const config_known_secrets[] = {
	"secret", "changeme", "change-me", "password", "jwt_secret", "your-secret-key", "supersecret",
	"your-super-secret-jwt-key", "your_jwt_secret_key_here", "your-256-bit-secret", "difyai123456",
	"replace_with_lengthy_secure_hex", "my-super-secret-key", "development-secret",
};

const struct desk_setting *desk_config_table(size_t *n)
{
	*n = CONFIG_COUNT;
	return config_rows;
}

bool desk_config_secret_is_known(const char *value)
{
	char first = value[0];
	size_t n = strlen(value);

	if (n > 0 && strspn(value, (const char[]){ first, '\0' }) == n)
		return true;	/* one character, repeated */
	for (size_t i = 0; i < DESK_ARRAY_LEN(config_known_secrets); i++) {
		size_t len = strlen(config_known_secrets[i]);

		/* the known word, or the known word padded with itself, digits or dashes */
		if (n >= len && strncasecmp(value, config_known_secrets[i], len) == 0) {
			const char *rest = value + len;

			while (strncasecmp(rest, config_known_secrets[i], len) == 0)
				rest += len;
			if (rest[strspn(rest, "0123456789-_.! ")] == '\0')
				return true;
		}
	}
	return false;
}

static enum desk_status config_bad(const struct desk_setting *s, struct desk_error *err,
				   const char *why)
{
	return desk_error_set(err, DESK_E_CONFIG, "setting %s: %s", s->name, why);
}

static enum desk_status config_bool(const struct desk_setting *s, const char *text, bool *out,
				    struct desk_error *err)
{
	static const char *const yes[] = { "on", "true", "yes", "1" }, *const no[] = { "off", "false", "no", "0" };

	for (size_t i = 0; i < DESK_ARRAY_LEN(yes); i++) {
		if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
			*out = strcasecmp(text, yes[i]) == 0;
			return DESK_OK;
		}
	}
	return config_bad(s, err, "must be on or off");
}

static enum desk_status config_int(const struct desk_setting *s, const char *text, int64_t *out,
				   struct desk_error *err)
{
	if (!desk_parse_int64(text, out))
		return config_bad(s, err, "must be a whole number");
	if (*out < s->min || *out > s->max)
		return desk_error_set(err, DESK_E_CONFIG, "setting %s: must be %lld to %lld", s->name,
				      (long long)s->min, (long long)s->max);
	return DESK_OK;
}

static enum desk_status config_store(struct desk_config *c, size_t row, const char *text,
				     struct desk_error *err)
{
	const struct desk_setting *s = &config_rows[row];
	void *at = (char *)c + config_offsets[row];
	size_t max = s->max > 0 ? (size_t)s->max : CONFIG_STRING_MAX;

	if (s->type[0] == 'B')
		return config_bool(s, text, at, err);
	if (s->type[0] == 'I')
		return config_int(s, text, at, err);
	if (strlen(text) > max)
		return desk_error_set(err, DESK_E_CONFIG, "setting %s: longer than %zu bytes", s->name, max);
	if (!desk_utf8_valid(text, strlen(text)))
		return config_bad(s, err, "is not UTF-8");
	/* both members hold one pointer: a string, or a secret's only member */
	*(const char **)at = desk_arena_strdup(c->arena, text);
	return DESK_OK;
}

static int config_find(const char *name, size_t n)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		if (strlen(config_rows[i].name) == n && strncasecmp(config_rows[i].name, name, n) == 0)
			return (int)i;
	}
	return -1;
}

/* The pair of an env file. Names that are not ours are left to whom they belong. */
static enum desk_status config_pair(void *arg, const char *name, size_t n, const char *value,
				    struct desk_error *err)
{
	const char **values = arg;
	int row = config_find(name, n);

	(void)err;
	if (row >= 0)
		values[row] = value;
	return DESK_OK;
}

/* An exact name wins over the same in another case, whatever the order of the environment. */
static void config_environment(const char **values)
{
	bool exact[CONFIG_COUNT] = { false };

	for (char **e = environ; e != NULL && *e != NULL; e++) {
		const char *eq = strchr(*e, '=');
		int row = eq != NULL ? config_find(*e, (size_t)(eq - *e)) : -1;

		if (row < 0 || exact[row])
			continue;
		values[row] = eq + 1;
		exact[row] = strncmp(*e, config_rows[row].name, (size_t)(eq - *e)) == 0;
	}
}

static enum desk_status config_check_jwt(const struct desk_config *c, struct desk_error *err)
{
	const char *secret = c->JWT_SECRET.value;

	if (secret[0] == '\0')
		return desk_error_set(err, DESK_E_CONFIG,
				      "setting JWT_SECRET: is missing; make one with: openssl rand -hex 32");
	if (desk_config_secret_is_known(secret))
		return desk_error_set(err, DESK_E_CONFIG,
				      "setting JWT_SECRET: is a well-known value; make one with: openssl rand -hex 32");
	if (strlen(secret) < CONFIG_JWT_MIN)
		return desk_error_set(err, DESK_E_CONFIG,
				      "setting JWT_SECRET: has %zu bytes, at least %d are needed; make one with: "
				      "openssl rand -hex 32", strlen(secret), CONFIG_JWT_MIN);
	return DESK_OK;
}

static enum desk_status config_check_names(const struct desk_config *c, struct desk_error *err)
{
	static const char *const llm[] = { "auto", "none", "openai", "azure" };
	static const char *const embed[] = { "builtin", "openai", "azure" };
	static const char *const levels[] = { "debug", "info", "warn", "error" };
	const struct {
		const char *name, *value, *const *list;
		size_t n;
		const char *say;
	} sets[] = {
		{ "LLM_PROVIDER", c->LLM_PROVIDER, llm, 4, "auto, none, openai or azure" },
		{ "EMBEDDING_PROVIDER", c->EMBEDDING_PROVIDER, embed, 3, "builtin, openai or azure" },
		{ "LOG_LEVEL", c->LOG_LEVEL, levels, 4, "debug, info, warn or error" },
	};

	for (size_t i = 0; i < DESK_ARRAY_LEN(sets); i++) {
		size_t k = 0;

		while (k < sets[i].n && strcmp(sets[i].value, sets[i].list[k]) != 0)
			k++;
		if (k == sets[i].n)
			return desk_error_set(err, DESK_E_CONFIG, "setting %s: must be %s", sets[i].name,
					      sets[i].say);
	}
	return DESK_OK;
}

static enum desk_status config_check_urls(const struct desk_config *c, struct desk_error *err)
{
	const struct {
		const char *name, *value;
	} urls[] = {
		{ "OPENAI_BASE_URL", c->OPENAI_BASE_URL },
		{ "AZURE_OPENAI_ENDPOINT", c->AZURE_OPENAI_ENDPOINT },
		{ "SAML_SSO_URL", c->SAML_SSO_URL },
	};
	const char *mode = c->FCGI_SOCKET_MODE, *redis = c->REDIS_URL.value;

	for (size_t i = 0; i < DESK_ARRAY_LEN(urls); i++) {
		if (urls[i].value[0] != '\0' && strncmp(urls[i].value, "https://", 8) != 0 &&
		    strncmp(urls[i].value, "http://", 7) != 0)
			return desk_error_set(err, DESK_E_CONFIG,
					      "setting %s: must start with https:// or http://", urls[i].name);
	}
	if (redis[0] != '\0' && strncmp(redis, "redis://", 8) != 0 && strncmp(redis, "unix://", 7) != 0)
		return desk_error_set(err, DESK_E_CONFIG,
				      "setting REDIS_URL: must start with redis:// or unix://");
	if (mode[0] == '\0' || mode[strspn(mode, "01234567")] != '\0')
		return desk_error_set(err, DESK_E_CONFIG,
				      "setting FCGI_SOCKET_MODE: must be octal, like 0660");
	return DESK_OK;
}

static enum desk_status config_check(const struct desk_config *c, unsigned needs,
				     struct desk_error *err)
{
	enum desk_status rc;

	if ((needs & DESK_NEED_DB) != 0 && c->DATABASE_URL.value[0] == '\0')
		return desk_error_set(err, DESK_E_CONFIG,
				      "setting DATABASE_URL: is missing; give the app's login role, like "
				      "postgresql://frontdesk_app@/frontdesk");
	if ((needs & DESK_NEED_ADMIN_DB) != 0 && c->DATABASE_ADMIN_URL.value[0] == '\0')
		return desk_error_set(err, DESK_E_CONFIG,
				      "setting DATABASE_ADMIN_URL: is missing; give the owner role, like "
				      "postgresql://frontdesk_owner@/frontdesk");
	if ((needs & DESK_NEED_JWT) != 0 && (rc = config_check_jwt(c, err)) != DESK_OK)
		return rc;
	rc = config_check_names(c, err);
	return rc == DESK_OK ? config_check_urls(c, err) : rc;
}

enum desk_status desk_config_load(const char *path, unsigned needs, struct desk_config **out,
				  struct desk_error *err)
{
	const char *values[CONFIG_COUNT];
	struct desk_arena *a = desk_arena_new();
	struct desk_config *c = desk_arena_alloc(a, sizeof(*c));
	enum desk_status rc = DESK_OK;

	c->arena = a;
	for (size_t i = 0; i < CONFIG_COUNT; i++)
		values[i] = config_rows[i].dflt;
	if (path == NULL)
		path = getenv("FRONTDESK_ENV");
	if (path != NULL && path[0] != '\0')
		rc = config_envfile_read(a, path, config_pair, values, err);
	if (rc != DESK_OK)
		goto out;
	config_environment(values);
	for (size_t i = 0; i < CONFIG_COUNT && rc == DESK_OK; i++) {
		bool number = config_rows[i].type[0] == 'I' || config_rows[i].type[0] == 'B';

		/* NAME= with nothing behind it is a number's default, as in a compose file */
		rc = config_store(c, i, number && values[i][0] == '\0' ? config_rows[i].dflt : values[i],
				  err);
	}
	if (rc == DESK_OK)
		rc = config_check(c, needs, err);
out:
	if (rc != DESK_OK) {
		desk_arena_free(a);
		return rc;
	}
	*out = c;
	return DESK_OK;
}

void desk_config_free(struct desk_config *c)
{
	if (c != NULL)
		desk_arena_free(c->arena);
}
