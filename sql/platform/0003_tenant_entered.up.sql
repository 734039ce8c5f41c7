-- 0003_tenant_entered: the queue asks whose role calls; what runs as the owner names pg_temp, last.
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

CREATE OR REPLACE FUNCTION platform.jobs_enqueue(job_kind text, job_refs text[], job_priority int, job_batch boolean) RETURNS void
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
CREATE OR REPLACE FUNCTION platform.jobs_guard(job_ids bigint[], by_worker text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	WITH l AS (SELECT 1 FROM platform.jobs WHERE id = ANY (job_ids) AND worker = by_worker AND state = 'RUNNING'
		   AND tenant_id = (SELECT platform.tenant_entered()) FOR UPDATE)
	SELECT count(*) FROM l
$$;
CREATE OR REPLACE FUNCTION platform.jobs_settle(job_ids bigint[], by_worker text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	WITH d AS (DELETE FROM platform.jobs WHERE id = ANY (job_ids) AND worker = by_worker AND state = 'RUNNING'
		   AND tenant_id = (SELECT platform.tenant_entered()) RETURNING 1)
	SELECT count(*) FROM d
$$;
CREATE OR REPLACE FUNCTION platform.jobs_count(OUT queued bigint, OUT running bigint, OUT failed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	SELECT count(*) FILTER (WHERE state = 'QUEUED'), count(*) FILTER (WHERE state = 'RUNNING'),
		count(*) FILTER (WHERE state = 'FAILED')
	FROM platform.jobs WHERE tenant_id = (SELECT platform.tenant_entered())
$$;

-- A domain that looks like another tenant's id is not asked first.
CREATE OR REPLACE FUNCTION platform.tenant_find(wanted text)
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

-- A path that does not name pg_temp has it in front, for tables and types: where a database was made
-- by hand and everybody may make temporary objects, a domain "uuid" would run its checks as the owner.
ALTER FUNCTION platform.schema_name_of(text) SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION platform.take_ids(regclass, bigint) SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION platform.jobs_claim(text, int, int) SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION platform.jobs_extend(bigint[], text, int) SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION platform.job_retry(bigint, text, int, text) SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION platform.job_fail(bigint, text, text) SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION platform.schema_version() SET search_path = pg_catalog, pg_temp;
