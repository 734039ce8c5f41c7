-- 0001_platform: the registry of tenants, jobs, and the functions that are the app's only way in.
-- Runs as the owner role, on an empty database. Undo: 0001_platform.down.sql (everything).
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

-- frontdesk_app      the programs' login role: no right on a tenant's table, members of every tenant role, NOINHERIT
-- frontdesk_template marks the grants of tenant_template that a new tenant's role gets; nobody is a member
-- frontdesk_tenant   what every tenant role may do in the platform schema
DO $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN SELECT * FROM (VALUES ('frontdesk_app', 'LOGIN'), ('frontdesk_template', 'NOLOGIN'),
					    ('frontdesk_tenant', 'NOLOGIN')) w (role, login)
	LOOP
		BEGIN
			IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted.role) THEN
				EXECUTE format('CREATE ROLE %I %s NOINHERIT', wanted.role, wanted.login);
			END IF;
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL;	-- another database of this cluster is being migrated as well
		END;
	END LOOP;
	IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'frontdesk_app'
		   AND (rolsuper OR rolbypassrls OR rolinherit OR rolcreaterole OR rolcreatedb)) THEN
		RAISE EXCEPTION 'role frontdesk_app must be NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEROLE NOCREATEDB'
			USING HINT = 'ALTER ROLE frontdesk_app NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEROLE NOCREATEDB';
	END IF;
END
$$;
-- The runner has made platform, for its own table.
REVOKE ALL ON SCHEMA platform FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA platform TO frontdesk_app, frontdesk_tenant;
CREATE SCHEMA tenant_template;

-- The tenant of this transaction; NULL, and so no row anywhere, where nobody said.
-- Its names are bound here, once. No exception block: a parallel plan may not start a subtransaction.
CREATE FUNCTION public.get_current_tenant_id() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN pg_catalog.current_setting('app.current_tenant_id', true)
	OPERATOR(pg_catalog.~) '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'
	THEN pg_catalog.current_setting('app.current_tenant_id', true)::pg_catalog.uuid END;

CREATE TABLE platform.tenants (
	id          uuid         PRIMARY KEY DEFAULT public.uuid_generate_v4(),
	domain      varchar(255) NOT NULL UNIQUE CHECK (domain = lower(domain)),
	name        varchar(255) NOT NULL,
	schema_name name         NOT NULL UNIQUE,
	role_name   name         NOT NULL UNIQUE,
	status      text         NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'SUSPENDED', 'REMOVING')),
	created_at  timestamptz  NOT NULL DEFAULT now()
);

-- A job's place in the queue is its time plus a second for each job of its tenant and kind that waits
-- before it: whoever has few waits little, and nobody waits for ever.
CREATE TABLE platform.jobs (
	id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant_id   uuid        NOT NULL REFERENCES platform.tenants ON DELETE CASCADE,
	kind        text        NOT NULL,
	ref         text        NOT NULL DEFAULT '',
	state       text        NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'RUNNING', 'FAILED')),
	priority    smallint    NOT NULL DEFAULT 0,
	batch       boolean     NOT NULL DEFAULT false,	-- small: may be claimed together with others like it
	attempts    int         NOT NULL DEFAULT 0,
	place       timestamptz NOT NULL DEFAULT now(),
	run_after   timestamptz NOT NULL DEFAULT now(),
	lease_until timestamptz,
	worker      text,
	reason      text,
	created_at  timestamptz NOT NULL DEFAULT now()
);
-- Finished jobs are deleted: the queue holds what is to be done. One waiting job of a kind and ref.
CREATE UNIQUE INDEX jobs_one_queued ON platform.jobs (tenant_id, kind, ref) WHERE state = 'QUEUED';
CREATE INDEX jobs_due ON platform.jobs (priority DESC, place, id) WHERE state = 'QUEUED';
CREATE INDEX jobs_leases ON platform.jobs (lease_until) WHERE state = 'RUNNING';

-- "tenant_" and the domain. What would pass Postgres's 63 bytes gets a hashed tail behind a "#", that
-- no domain has: never a silent cut, never two domains in one schema.
CREATE FUNCTION platform.schema_name_of(tenant_domain text) RETURNS name
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN octet_length(plain) <= 63 THEN plain::name
		ELSE (left(plain, 46) || '#' || left(encode(sha256(convert_to(plain, 'UTF8')), 'hex'), 16))::name
	END
	FROM (SELECT 'tenant_' || lower(tenant_domain) AS plain) p
$$;

-- What makes a schema like tenant_template, in order: tables (columns, defaults, checks, identity,
-- storage), sequences, keys, indexes, foreign keys, row security, policies, grants. Constraints and
-- indexes are made from their definitions and not by LIKE, which would give them other names: a
-- later migration names them. Run it with the target's search_path.
CREATE FUNCTION platform.clone_statements(target name) RETURNS text[]
LANGUAGE sql STABLE SET search_path = tenant_template, public
AS $$
	WITH t AS (
		SELECT c.oid, c.relname, c.relkind, c.relacl, c.relrowsecurity, c.relforcerowsecurity,
			format('%I.%I', target, c.relname) AS new_name
		FROM pg_class c WHERE c.relnamespace = 'tenant_template'::regnamespace AND c.relkind IN ('r', 'S')
	), run (step, key, statement) AS (
		SELECT 1, relname, format('CREATE TABLE %s (LIKE tenant_template.%I INCLUDING ALL EXCLUDING INDEXES)', new_name, relname)
		FROM t WHERE relkind = 'r'
		UNION ALL
		SELECT 2, relname, format('CREATE SEQUENCE %s AS %s INCREMENT %s MINVALUE %s MAXVALUE %s START %s CACHE %s', new_name,
			format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache)
		FROM t JOIN pg_sequence s ON s.seqrelid = t.oid
		WHERE NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'i')
		UNION ALL
		SELECT CASE k.contype WHEN 'f' THEN 5 ELSE 3 END, k.conname,
			format('ALTER TABLE %s ADD CONSTRAINT %I %s', new_name, k.conname, pg_get_constraintdef(k.oid))
		FROM t JOIN pg_constraint k ON k.conrelid = t.oid WHERE k.contype IN ('p', 'u', 'x', 'f')
		UNION ALL
		SELECT 4, i.relname, pg_get_indexdef(x.indexrelid, 0, true)
		FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
		WHERE NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
		UNION ALL
		SELECT 6, relname, format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', new_name) FROM t WHERE relrowsecurity
		UNION ALL
		SELECT 6, relname, format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', new_name) FROM t WHERE relforcerowsecurity
		UNION ALL
		SELECT 7, p.polname, format('CREATE POLICY %I ON %s AS %s FOR %s', p.polname, new_name,
			CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
			CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END)
			|| coalesce(format(' USING (%s)', pg_get_expr(p.polqual, p.polrelid)), '')
			|| coalesce(format(' WITH CHECK (%s)', pg_get_expr(p.polwithcheck, p.polrelid)), '')
		FROM t JOIN pg_policy p ON p.polrelid = t.oid
		UNION ALL
		SELECT 8, relname, format('GRANT %s ON %s %s TO %I', string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type),
			CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, new_name, target)
		FROM t, aclexplode(t.relacl) g WHERE g.grantee = 'frontdesk_template'::regrole GROUP BY relname, relkind, new_name
	)
	SELECT array_agg(statement ORDER BY step, key, statement) FROM run
$$;

-- Clone tenant_template into a schema with a role of its own: one truth, compared by a test. Gives
-- the schema's name.
CREATE FUNCTION public.create_tenant_schema(tenant_domain text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target name;
	run text;
BEGIN
	IF tenant_domain IS NULL OR lower(tenant_domain) !~ '^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$' OR length(tenant_domain) > 253 THEN
		RAISE EXCEPTION 'tenant domain "%" is not a domain name', coalesce(tenant_domain, '')
			USING ERRCODE = 'invalid_parameter_value', HINT = 'use letters, digits, dots and dashes, like shop.example';
	END IF;
	target := platform.schema_name_of(tenant_domain);
	IF target = 'tenant_template' THEN
		RAISE EXCEPTION 'tenant domain "%" is reserved', tenant_domain USING ERRCODE = 'invalid_parameter_value';
	END IF;
	BEGIN
		IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = target) THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN INHERIT IN ROLE frontdesk_tenant', target);
		END IF;
	EXCEPTION WHEN duplicate_object OR unique_violation THEN
		NULL;	-- roles are the cluster's: another database made it just now
	END;
	EXECUTE format('GRANT %I TO frontdesk_app', target);
	EXECUTE format('CREATE SCHEMA %I', target);
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', target, target);
	PERFORM set_config('search_path', quote_ident(target) || ', public', true);
	FOREACH run IN ARRAY platform.clone_statements(target) LOOP
		EXECUTE run;
	END LOOP;
	RETURN target;
END
$$;
REVOKE ALL ON FUNCTION public.create_tenant_schema(text), platform.clone_statements(name) FROM PUBLIC;

-- For migrations of tenant schemas: grant to the role that belongs to the schema in the path.
CREATE FUNCTION platform.grant_tenant(rights text, table_name text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
	EXECUTE format('GRANT %s ON %I.%I TO %I', rights, current_schema(), table_name,
		CASE current_schema() WHEN 'tenant_template' THEN 'frontdesk_template' ELSE current_schema() END);
END
$$;
CREATE FUNCTION platform.wall(table_name text, condition text DEFAULT 'tenant_id = (SELECT public.get_current_tenant_id())') RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
	EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', current_schema(), table_name);
	EXECUTE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', current_schema(), table_name);
	EXECUTE format('CREATE POLICY tenant_only ON %I.%I USING (%s) WITH CHECK (%s)', current_schema(), table_name, condition, condition);
END
$$;
REVOKE ALL ON FUNCTION platform.grant_tenant(text, text), platform.wall(text, text) FROM PUBLIC;

-- A contiguous block of a sequence's numbers: its first one. A sequence alone would interleave what
-- two transactions take. The lock is held for this call only, not for the transaction.
CREATE FUNCTION platform.take_ids(sequence regclass, how_many bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	first bigint;
BEGIN
	PERFORM pg_advisory_lock(1146307403, sequence::oid::int);
	first := nextval(sequence);
	IF how_many > 1 THEN
		PERFORM setval(sequence, first + how_many - 1);
	END IF;
	PERFORM pg_advisory_unlock(1146307403, sequence::oid::int);
	RETURN first;
END
$$;
REVOKE ALL ON FUNCTION platform.take_ids(regclass, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.take_ids(regclass, bigint) TO frontdesk_tenant;

-- ---- the owner's: add and remove ----------------------------------------
CREATE FUNCTION platform.tenant_add(tenant_domain text, tenant_name text, tenant_settings jsonb) RETURNS platform.tenants
LANGUAGE plpgsql
AS $$
DECLARE
	made platform.tenants;
	dim int := coalesce((tenant_settings->>'embedding_dim')::int, 384);
BEGIN
	PERFORM pg_advisory_xact_lock(7236828793);	-- the migration runner's: never cloned amid a migration
	INSERT INTO platform.tenants (domain, name, schema_name, role_name)
	VALUES (lower(tenant_domain), tenant_name, platform.schema_name_of(tenant_domain), platform.schema_name_of(tenant_domain))
	RETURNING * INTO made;
	PERFORM public.create_tenant_schema(tenant_domain);
	PERFORM set_config('app.current_tenant_id', made.id::text, true);
	EXECUTE format('INSERT INTO %I.tenants (id, name, domain, settings) VALUES ($1, $2, $3, $4)', made.schema_name)
	USING made.id, made.name, made.domain, tenant_settings;
	IF dim <> 384 THEN
		EXECUTE format('ALTER TABLE %I.chunks ALTER COLUMN embedding TYPE public.halfvec(%s)', made.schema_name, dim);
	END IF;
	INSERT INTO platform.schema_migrations (scope, schema_name, version, name, checksum)
	SELECT scope, made.schema_name, version, name, checksum FROM platform.schema_migrations WHERE schema_name = 'tenant_template';
	PERFORM set_config('app.current_tenant_id', '', true);
	RETURN made;
END
$$;
CREATE FUNCTION platform.tenant_remove(wanted uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	gone platform.tenants;
BEGIN
	DELETE FROM platform.tenants WHERE id = wanted RETURNING * INTO gone;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'tenant % does not exist', wanted USING ERRCODE = 'no_data_found';
	END IF;
	DELETE FROM platform.schema_migrations WHERE schema_name = gone.schema_name;
	EXECUTE format('DROP SCHEMA %I CASCADE', gone.schema_name);
	BEGIN
		EXECUTE format('DROP ROLE %I', gone.role_name);
	EXCEPTION WHEN dependent_objects_still_exist THEN
		NULL;	-- another database of this cluster has a tenant of the same domain
	END;
END
$$;
REVOKE ALL ON FUNCTION platform.tenant_add(text, text, jsonb), platform.tenant_remove(uuid) FROM PUBLIC;

-- ---- the app's way in: one row of the registry at a time -----------------
CREATE FUNCTION platform.tenant_find(wanted text)
RETURNS TABLE (id uuid, domain text, name text, tier text, schema_name text, role_name text, status text, settings jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	before text := coalesce(current_setting('app.current_tenant_id', true), '');
BEGIN
	SELECT t.id, t.domain, t.name, t.schema_name, t.role_name, t.status
	INTO id, domain, name, schema_name, role_name, status
	FROM platform.tenants t
	WHERE t.id = CASE WHEN wanted ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN wanted::uuid END
	   OR t.domain = lower(wanted)
	ORDER BY t.domain = lower(wanted) LIMIT 1;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	-- Its own row, seen through the wall like everything else.
	PERFORM set_config('app.current_tenant_id', id::text, true);
	EXECUTE format('SELECT name, subscription_tier, settings FROM %I.tenants WHERE id = $1', schema_name)
	INTO name, tier, settings USING id;
	PERFORM set_config('app.current_tenant_id', before, true);
	RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION platform.tenant_find(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.tenant_find(text) TO frontdesk_app;

-- The tenant that the caller says it is, if its role is that tenant's: the setting alone is anybody's,
-- and what runs as the owner must not believe it.
CREATE FUNCTION platform.tenant_entered() RETURNS uuid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.id FROM platform.tenants t
	WHERE t.id = public.get_current_tenant_id()
	  AND CASE current_setting('role') WHEN 'none' THEN pg_has_role(session_user, t.role_name, 'USAGE')
	      ELSE t.role_name = current_setting('role')::name END
$$;
REVOKE ALL ON FUNCTION platform.tenant_entered() FROM PUBLIC;

-- ---- jobs -----------------------------------------------------------------
-- One waiting job of a kind and ref: queueing it again changes nothing.
CREATE FUNCTION platform.jobs_enqueue(job_kind text, job_refs text[], job_priority int, job_batch boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tenant uuid := platform.tenant_entered();
BEGIN
	IF tenant IS NULL THEN
		RAISE EXCEPTION 'permission denied: no tenant is entered' USING ERRCODE = 'insufficient_privilege';
	END IF;
	INSERT INTO platform.jobs (tenant_id, kind, ref, priority, batch, place)
	SELECT tenant, job_kind, r.ref, job_priority, job_batch,
		now() + make_interval(secs => r.n + (SELECT count(*) FROM platform.jobs w WHERE w.state = 'QUEUED'
			AND w.tenant_id = tenant AND w.kind = job_kind))
	FROM unnest(job_refs) WITH ORDINALITY r (ref, n) ORDER BY r.n
	ON CONFLICT (tenant_id, kind, ref) WHERE state = 'QUEUED' DO NOTHING;
	NOTIFY frontdesk_jobs;
END
$$;
-- A job whose worker fell silent, else the due one of highest priority; with a small one come
-- others like it, "most" in all. What was tried before always comes alone: it may be what kills.
CREATE FUNCTION platform.jobs_claim(by_worker text, lease_seconds int, most int)
RETURNS TABLE (id bigint, tenant_id uuid, kind text, ref text, attempts int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	moment timestamptz := clock_timestamp();
	got platform.jobs;
	ids bigint[];
BEGIN
	SELECT * INTO got FROM platform.jobs d WHERE d.state = 'RUNNING' AND d.lease_until < moment
	ORDER BY d.lease_until LIMIT 1 FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		SELECT * INTO got FROM platform.jobs d WHERE d.state = 'QUEUED' AND d.run_after <= moment
		ORDER BY d.priority DESC, d.place, d.id LIMIT 1 FOR UPDATE SKIP LOCKED;
	END IF;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	ids := ARRAY[got.id];
	IF got.batch AND got.attempts = 0 AND most > 1 THEN
		ids := ids || ARRAY(
			SELECT d.id FROM platform.jobs d
			WHERE d.state = 'QUEUED' AND d.run_after <= moment AND d.batch AND d.attempts = 0
			  AND d.kind = got.kind AND d.tenant_id = got.tenant_id AND d.id <> got.id
			ORDER BY d.priority DESC, d.place, d.id LIMIT most - 1 FOR UPDATE SKIP LOCKED);
	END IF;
	RETURN QUERY UPDATE platform.jobs j SET state = 'RUNNING', worker = by_worker, attempts = j.attempts + 1,
		lease_until = moment + make_interval(secs => lease_seconds)
	WHERE j.id = ANY (ids) RETURNING j.id, j.tenant_id, j.kind, j.ref, j.attempts;
END
$$;
-- How many of these are still the worker's; the others were taken over. A job that is locked is just
-- being settled: nobody can claim it, and waiting for it would let the worker's other leases end.
CREATE FUNCTION platform.jobs_extend(job_ids bigint[], by_worker text, lease_seconds int) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	WITH free AS MATERIALIZED (
		SELECT id FROM platform.jobs WHERE id = ANY (job_ids) AND worker = by_worker AND state = 'RUNNING'
		FOR UPDATE SKIP LOCKED
	), u AS (
		UPDATE platform.jobs j SET lease_until = clock_timestamp() + make_interval(secs => lease_seconds)
		FROM free WHERE j.id = free.id RETURNING 1
	)
	SELECT count(*) FROM u
$$;
-- Back into the queue, after its delay with no place behind others; where the same work was queued
-- meanwhile, that one row stands for both.
CREATE FUNCTION platform.job_retry(job bigint, by_worker text, delay_seconds int, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	due timestamptz := clock_timestamp() + make_interval(secs => delay_seconds);
BEGIN
	UPDATE platform.jobs SET state = 'QUEUED', worker = NULL, lease_until = NULL, reason = why, run_after = due, place = due
	WHERE id = job AND worker = by_worker AND state = 'RUNNING';
	RETURN FOUND;
EXCEPTION WHEN unique_violation THEN
	DELETE FROM platform.jobs WHERE id = job AND worker = by_worker AND state = 'RUNNING';
	RETURN FOUND;
END
$$;
CREATE FUNCTION platform.job_fail(job bigint, by_worker text, why text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	WITH u AS (UPDATE platform.jobs SET state = 'FAILED', lease_until = NULL, reason = why
		   WHERE id = job AND worker = by_worker AND state = 'RUNNING' RETURNING 1)
	SELECT EXISTS (SELECT 1 FROM u)
$$;
-- In the tenant's transaction that writes a job's result. guard: how many are still the worker's?
-- Holds the rows until the end. settle: the same, and they are done: gone with the result's commit.
CREATE FUNCTION platform.jobs_guard(job_ids bigint[], by_worker text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	WITH l AS (SELECT 1 FROM platform.jobs WHERE id = ANY (job_ids) AND worker = by_worker AND state = 'RUNNING'
		   AND tenant_id = (SELECT platform.tenant_entered()) FOR UPDATE)
	SELECT count(*) FROM l
$$;
CREATE FUNCTION platform.jobs_settle(job_ids bigint[], by_worker text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	WITH d AS (DELETE FROM platform.jobs WHERE id = ANY (job_ids) AND worker = by_worker AND state = 'RUNNING'
		   AND tenant_id = (SELECT platform.tenant_entered()) RETURNING 1)
	SELECT count(*) FROM d
$$;
-- Failed ones and waiting ones of a tenant that is entered, for people who ask what is going on.
CREATE FUNCTION platform.jobs_count(OUT queued bigint, OUT running bigint, OUT failed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	SELECT count(*) FILTER (WHERE state = 'QUEUED'), count(*) FILTER (WHERE state = 'RUNNING'),
		count(*) FILTER (WHERE state = 'FAILED')
	FROM platform.jobs WHERE tenant_id = (SELECT platform.tenant_entered())
$$;
-- For readiness: the newest migration of each scope, and whether every tenant has it.
CREATE FUNCTION platform.schema_version(OUT platform_version int, OUT tenant_version int, OUT tenants_behind bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (SELECT coalesce(max(version), 0) FROM platform.schema_migrations WHERE scope = 'platform'),
		newest, (SELECT count(*) FROM platform.tenants t
			 WHERE NOT EXISTS (SELECT 1 FROM platform.schema_migrations m
					   WHERE m.schema_name = t.schema_name AND m.scope = 'tenant' AND m.version = newest))
	FROM (SELECT coalesce(max(version), 0) AS newest FROM platform.schema_migrations
	      WHERE scope = 'tenant' AND schema_name = 'tenant_template') n
$$;
REVOKE ALL ON FUNCTION platform.jobs_enqueue(text, text[], int, boolean), platform.jobs_claim(text, int, int),
	platform.jobs_extend(bigint[], text, int), platform.job_retry(bigint, text, int, text),
	platform.job_fail(bigint, text, text), platform.jobs_guard(bigint[], text), platform.jobs_settle(bigint[], text),
	platform.jobs_count(), platform.schema_version() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.jobs_claim(text, int, int), platform.jobs_extend(bigint[], text, int),
	platform.job_retry(bigint, text, int, text), platform.job_fail(bigint, text, text), platform.schema_version() TO frontdesk_app;
GRANT EXECUTE ON FUNCTION platform.jobs_enqueue(text, text[], int, boolean), platform.jobs_guard(bigint[], text),
	platform.jobs_settle(bigint[], text), platform.jobs_count() TO frontdesk_tenant;
