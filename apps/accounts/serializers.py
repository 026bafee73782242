"""The API's shapes of users, teams, tokens and audit events."""

from typing import Any, ClassVar

from rest_framework import serializers

from apps.accounts.audit import ChainReport
from apps.accounts.models import ApiToken, AuditEvent, Role, Team, TokenScope, User


class TeamField(serializers.SlugRelatedField[Team]):
    """A team by its slug; what is no slug does not get as far as the database."""

    def to_internal_value(self, data: Any) -> Team:
        """The team. Raises ValidationError."""
        return super().to_internal_value(serializers.SlugField().run_validation(data))


class UserSerializer(serializers.ModelSerializer[User]):
    """A user. A new one's password is good for one sign-in."""

    teams = TeamField(slug_field="slug", queryset=Team.objects.all(), many=True, required=False)
    password = serializers.CharField(write_only=True, trim_whitespace=False, max_length=1_000)

    class Meta:
        model = User
        fields: ClassVar = [
            "id", "username", "password", "first_name", "last_name", "email", "role", "teams", "is_active",
            "must_change_password", "last_login", "date_joined",
        ]  # fmt: skip
        read_only_fields: ClassVar = ["is_active", "must_change_password", "last_login", "date_joined"]
        extra_kwargs: ClassVar = {"role": {"required": True}}


class UserChangeSerializer(UserSerializer):
    """What of a user can be changed: all but the name that the audit log knows them by."""

    password = None  # type: ignore[assignment]

    class Meta(UserSerializer.Meta):
        fields: ClassVar = [name for name in UserSerializer.Meta.fields if name != "password"]
        read_only_fields: ClassVar = ["username", "must_change_password", "last_login", "date_joined"]


class PasswordSerializer(serializers.Serializer[User]):
    """A new password."""

    password = serializers.CharField(trim_whitespace=False, max_length=1_000)


class MeSerializer(serializers.Serializer[dict[str, Any]]):
    """Who calls, and what they may do."""

    id = serializers.IntegerField()
    username = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    teams = serializers.ListField(child=serializers.CharField(), help_text="slugs")
    capabilities = serializers.ListField(child=serializers.CharField(), help_text="what the role may do")
    token_scope = serializers.ChoiceField(
        choices=TokenScope.choices, allow_null=True, help_text="null when signed in by a session"
    )


class TeamSerializer(serializers.ModelSerializer[Team]):
    """A team and what of the costs it owns."""

    members: serializers.SlugRelatedField[User] = serializers.SlugRelatedField(
        slug_field="username", many=True, read_only=True
    )

    class Meta:
        model = Team
        fields: ClassVar = ["slug", "name", "tag_values", "sub_account_ids", "members"]


class TeamChangeSerializer(TeamSerializer):
    """What of a team can be changed: all but the slug that its costs are filed under."""

    class Meta(TeamSerializer.Meta):
        read_only_fields: ClassVar = ["slug"]


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """An API token, without its text."""

    user = serializers.CharField(source="user.username", read_only=True)

    class Meta:
        model = ApiToken
        fields: ClassVar = [
            "id", "user", "name", "prefix", "scope", "created_at", "expires_at", "revoked_at", "last_used_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = ["prefix", "revoked_at", "last_used_at"]


class IssuedTokenSerializer(TokenSerializer):
    """A new API token, with its text for this once."""

    token = serializers.SerializerMethodField(help_text="the text of the token; it is shown this once")

    class Meta(TokenSerializer.Meta):
        fields: ClassVar = [*TokenSerializer.Meta.fields, "token"]

    def get_token(self, _: ApiToken) -> str:
        """The text, which is in nothing that is stored."""
        return str(self.context["text"])


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """An event of the audit log."""

    actor = serializers.CharField(source="actor_name", help_text="user name at that time, or `system`")

    class Meta:
        model = AuditEvent
        fields: ClassVar = [
            "id", "at", "actor", "action", "target", "before", "after", "reason", "remote_address", "previous_hash",
            "hash",
        ]  # fmt: skip


class AuditFilterSerializer(serializers.Serializer[AuditEvent]):
    """Which events of the audit log to list."""

    actor = serializers.CharField(required=False, help_text="user name, or `system`")
    action = serializers.CharField(required=False, help_text="`token.created`, or `token` for all of a kind")
    target = serializers.CharField(required=False, help_text="`user:12`, or `user` for all of a kind")
    since = serializers.DateTimeField(required=False, help_text="inclusive")
    until = serializers.DateTimeField(required=False, help_text="exclusive")


class ChainReportSerializer(serializers.Serializer[ChainReport]):
    """What a check of the audit chain found."""

    intact = serializers.BooleanField()
    events = serializers.IntegerField(help_text="events checked")
    first_broken = serializers.IntegerField(allow_null=True, help_text="id of the event where the chain breaks")
    why = serializers.CharField(allow_blank=True)
