-- The audit log takes new rows and nothing else; its head moves on one event at a time.

CREATE FUNCTION accounts_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the audit log only grows', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_event_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_auditevent
FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse_change();

CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON accounts_audithead
FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse_change();

CREATE TRIGGER audit_head_moves_on BEFORE UPDATE ON accounts_audithead
FOR EACH ROW WHEN (NEW.events <> OLD.events + 1) EXECUTE FUNCTION accounts_refuse_change();
