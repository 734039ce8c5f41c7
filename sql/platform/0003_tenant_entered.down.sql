-- 0003_tenant_entered: undo (keeps data). The functions are those of 0001_platform and 0002_fair_jobs.
CREATE OR REPLACE FUNCTION platform.jobs_enqueue(job_kind text, job_refs text[], job_priority int, job_batch boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
	INSERT INTO platform.jobs (tenant_id, kind, ref, priority, batch, place)
	SELECT public.get_current_tenant_id(), job_kind, r.ref, job_priority, job_batch,
		now() + make_interval(secs => r.n + (SELECT count(*) FROM platform.jobs w WHERE w.state = 'QUEUED'
			AND w.tenant_id = public.get_current_tenant_id() AND w.kind = job_kind))
	FROM unnest(job_refs) WITH ORDINALITY r (ref, n) ORDER BY r.n
	ON CONFLICT (tenant_id, kind, ref) WHERE state = 'QUEUED' DO NOTHING;
	NOTIFY frontdesk_jobs;
$$;
CREATE OR REPLACE FUNCTION platform.jobs_guard(job_ids bigint[], by_worker text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
	WITH l AS (SELECT 1 FROM platform.jobs WHERE id = ANY (job_ids) AND worker = by_worker AND state = 'RUNNING'
		   AND tenant_id = public.get_current_tenant_id() FOR UPDATE)
	SELECT count(*) FROM l
$$;
CREATE OR REPLACE FUNCTION platform.jobs_settle(job_ids bigint[], by_worker text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
	WITH d AS (DELETE FROM platform.jobs WHERE id = ANY (job_ids) AND worker = by_worker AND state = 'RUNNING'
		   AND tenant_id = public.get_current_tenant_id() RETURNING 1)
	SELECT count(*) FROM d
$$;
CREATE OR REPLACE FUNCTION platform.jobs_count(OUT queued bigint, OUT running bigint, OUT failed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$
	SELECT count(*) FILTER (WHERE state = 'QUEUED'), count(*) FILTER (WHERE state = 'RUNNING'),
		count(*) FILTER (WHERE state = 'FAILED')
	FROM platform.jobs WHERE tenant_id = public.get_current_tenant_id()
$$;
CREATE OR REPLACE FUNCTION platform.tenant_find(wanted text)
RETURNS TABLE (id uuid, domain text, name text, tier text, schema_name text, role_name text, status text, settings jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
	before text := coalesce(current_setting('app.current_tenant_id', true), '');
BEGIN
	SELECT t.id, t.domain, t.name, t.schema_name, t.role_name, t.status
	INTO id, domain, name, schema_name, role_name, status
	FROM platform.tenants t
	WHERE t.id = CASE WHEN wanted ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN wanted::uuid END
	   OR t.domain = lower(wanted)
	LIMIT 1;
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
ALTER FUNCTION platform.schema_name_of(text) SET search_path = pg_catalog;
ALTER FUNCTION platform.take_ids(regclass, bigint) SET search_path = pg_catalog;
ALTER FUNCTION platform.jobs_claim(text, int, int) SET search_path = pg_catalog;
ALTER FUNCTION platform.jobs_extend(bigint[], text, int) SET search_path = pg_catalog;
ALTER FUNCTION platform.job_retry(bigint, text, int, text) SET search_path = pg_catalog;
ALTER FUNCTION platform.job_fail(bigint, text, text) SET search_path = pg_catalog;
ALTER FUNCTION platform.schema_version() SET search_path = pg_catalog;
DROP FUNCTION platform.tenant_entered();
