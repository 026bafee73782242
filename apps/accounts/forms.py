"""The fields of the app's pages. What is right is decided by services.py; forms only turn text into values."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import Organisation, Role, Team, TokenScope, User

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
LIFETIMES = (("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "Does not expire"))


class WordsField(forms.CharField):
    """Several words, one per line or separated by commas."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        """A list as lines of text; what was typed as it was typed."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """The words as a list."""
        return [word.strip() for word in str(value or "").replace(",", "\n").splitlines() if word.strip()]


class ProfileForm(forms.Form):
    """What one may say about oneself."""

    first_name = forms.CharField(required=False, max_length=150, widget=forms.TextInput({"autocomplete": "given-name"}))
    last_name = forms.CharField(required=False, max_length=150, widget=forms.TextInput({"autocomplete": "family-name"}))
    email = forms.EmailField(required=False, label="E-mail", widget=forms.EmailInput({"autocomplete": "email"}))


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(max_length=200, help_text="What will use it, for example: nightly report.")
    scope = forms.ChoiceField(choices=TokenScope.choices)
    expires_at = forms.ChoiceField(choices=LIFETIMES, initial="90", required=False, label="Expires after")

    def clean_scope(self) -> TokenScope:
        """The scope as its choice."""
        return TokenScope(self.cleaned_data["scope"])

    def clean_expires_at(self) -> datetime | None:
        """The moment from which on it is no good; None = never."""
        days = self.cleaned_data["expires_at"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class TeamForm(forms.Form):
    """A team's name and what of the costs is its own."""

    name = forms.CharField(max_length=200)
    tag_values = WordsField(
        required=False, help_text="Values of the team tag besides the name and the slug, one per line."
    )
    sub_account_ids = WordsField(
        required=False, label="Sub accounts", help_text="Ids of accounts, projects or subscriptions, one per line."
    )


class NewTeamForm(TeamForm):
    """A team that does not exist yet: also its slug."""

    slug = forms.CharField(
        max_length=50, help_text="Short and fixed: costs are filed under it. Letters, digits and hyphens."
    )
    field_order = ("name", "slug")


class UserForm(forms.Form):
    """What an admin may change about somebody."""

    first_name = forms.CharField(required=False, max_length=150)
    last_name = forms.CharField(required=False, max_length=150)
    email = forms.EmailField(required=False, label="E-mail")
    role = forms.ChoiceField(choices=Role.choices, initial=Role.VIEWER)
    teams = forms.ModelMultipleChoiceField(
        Team.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="An engineering lead sees the costs of these teams alone.",
    )

    @staticmethod
    def initial_of(user: User) -> dict[str, Any]:
        """What the form shows of somebody who exists."""
        names = ("first_name", "last_name", "email", "role")
        return {name: getattr(user, name) for name in names} | {"teams": list(user.teams.all())}

    def clean_role(self) -> Role:
        """The role as its choice."""
        return Role(self.cleaned_data["role"])


class NewUserForm(UserForm):
    """Somebody who does not exist yet: also the name to sign in with."""

    username = forms.CharField(max_length=150, label="User name", widget=forms.TextInput({"autocomplete": "off"}))
    field_order = ("username",)


class OrganisationForm(forms.Form):
    """What holds for everybody."""

    name = forms.CharField(required=False, max_length=200, help_text="Stands above the menu of every page.")
    reporting_currency = forms.CharField(
        required=False,
        max_length=3,
        widget=forms.TextInput({"size": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text="Its ISO 4217 code, for example USD. Costs in others are converted by the exchange rate of their "
        "month. Empty: each currency is shown by itself.",
    )
    week_start = forms.TypedChoiceField(
        coerce=int,
        choices=list(enumerate(WEEKDAYS, start=1)),
        label="Week starts on",
        help_text="Where a chart or table is by week.",
    )
    fiscal_year_start_month = forms.TypedChoiceField(
        coerce=int,
        choices=list(enumerate(MONTH_NAMES, start=1)),
        label="Fiscal year starts in",
        help_text="Where the time range “This fiscal year” begins.",
    )

    @classmethod
    def initial_of(cls, organisation: Organisation) -> dict[str, Any]:
        """What the form shows at first."""
        return {name: getattr(organisation, name) for name in cls.base_fields}

    def clean_reporting_currency(self) -> str:
        """The code in capitals."""
        return str(self.cleaned_data["reporting_currency"]).upper()


class TagKeysForm(forms.Form):
    """Which tags decide whose a charge is."""

    team_tag_keys = WordsField(
        required=False,
        help_text="One key per line. The first one that a charge has names its team. Empty: sub accounts alone decide.",
    )
    environment_tag_keys = WordsField(required=False, help_text="Like production or staging.")
    workload_tag_keys = WordsField(required=False, help_text="The application or model that a charge is for.")

    @classmethod
    def initial_of(cls, organisation: Organisation) -> dict[str, Any]:
        """What the form shows at first."""
        return {name: getattr(organisation, name) for name in cls.base_fields}


class PeopleField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg] # is no generic when it runs
    """Any number of users, with their roles."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        """What stands beside a user's box."""
        words = (obj.get_full_name(), obj.get_role_display().lower(), "" if obj.is_active else "deactivated")
        return f"{obj.username} · {', '.join(filter(None, words))}"


class MembersForm(forms.Form):
    """Who is in a team: anybody who may sign in, and who is in it already."""

    def __init__(self, data: Any, *, team: Team) -> None:
        super().__init__(data)
        self.fields["members"] = PeopleField(
            User.objects.filter(Q(is_active=True) | Q(teams=team)).distinct(),
            required=False,
            initial=team.members.all(),
            help_text="An engineering lead sees the costs of their teams alone. Other roles see every cost.",
        )
