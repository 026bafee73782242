#!/bin/sh
# Makes a service account by which FinOps reads Google Cloud, and roles with the permissions that it uses, no others.
# It can change nothing. Needs the Google Cloud CLI, signed in (gcloud auth login); may be run again.
# Usage: sh gcp-read-role.sh PROJECT [table=PROJECT.DATASET.TABLE] [inventory=projects/ID|folders/N|organizations/N]
#                            [bucket=NAME] [metrics=PROJECT,PROJECT] [prices=yes] [roles=organizations/N] [workload=NAMESPACE/NAME] [key=FILE]
# PROJECT    where the service account is kept and queries run
# table      the billing export in BigQuery: bills
# inventory  what is listed, with all that is below it: what exists
# bucket     files of any format
# metrics    projects whose metrics are read in Cloud Monitoring: how busy things are
# prices     list prices; they are public and need no role
# roles      where the roles are kept: needed where one of the above is outside PROJECT
# workload   the Kubernetes service account, in a GKE cluster of PROJECT, that FinOps runs as: it needs no key
# key        where a key is written, for a server that has no Google Cloud identity of its own
set -eu

if [ $# -lt 2 ]; then
    sed -n 's/^# \(Usage.*\|  .*\)/\1/p' "$0" >&2
    exit 2
fi
project=$1 table="" inventory="" bucket="" metrics="" prices="" roles="projects/$1" workload="" key=""
shift
for argument in "$@"; do
    case $argument in
        table=*) table=${argument#*=} ;;
        inventory=*) inventory=${argument#*=} ;;
        bucket=*) bucket=${argument#*=} ;;
        metrics=?*) metrics=$(echo "${argument#*=}" | tr ',' ' ') ;;
        prices=yes) prices=yes ;;
        roles=organizations/*) roles=${argument#*=} ;;
        workload=*) workload=${argument#*=} ;;
        key=*) key=${argument#*=} ;;
        *) echo "$argument is not known: see the first lines of $0." >&2; exit 2 ;;
    esac
done
case $roles in
    organizations/*) home="--organization=${roles#*/}" ;;
    *) home="--project=$project" ;;
esac
if [ -n "$inventory" ] && [ "$inventory" != "projects/$project" ] && [ "$roles" = "projects/$project" ]; then
    echo "$inventory is outside $project: say where the roles are kept, as roles=organizations/N." >&2
    exit 2
fi
for one in $metrics; do
    if [ "$one" != "$project" ] && [ "$roles" = "projects/$project" ]; then
        echo "$one is not $project: say where the roles are kept, as roles=organizations/N." >&2
        exit 2
    fi
done

account="finops-reader@$project.iam.gserviceaccount.com"
member="serviceAccount:$account"

turn_on() { gcloud services enable "$1" --project="$project" --quiet; }

# role NAME PERMISSIONS: as it is to be, whether it was there or not
role() {
    if gcloud iam roles describe "$1" "$home" >/dev/null 2>&1; then verb=update; else verb=create; fi
    gcloud iam roles "$verb" "$1" "$home" --title="FinOps reads: $1" --permissions="$2" --stage=GA --quiet >/dev/null
}

# bind WHERE NAME: on a project, folder or organisation
bind() {
    case $1 in
        projects/*) bind="gcloud projects" ;;
        folders/*) bind="gcloud resource-manager folders" ;;
        organizations/*) bind="gcloud organizations" ;;
        *) echo "$1 is neither projects/ID nor folders/N nor organizations/N." >&2; exit 2 ;;
    esac
    $bind add-iam-policy-binding "${1#*/}" \
        --member="$member" --role="$roles/roles/$2" --condition=None --quiet >/dev/null
}

gcloud iam service-accounts describe "$account" --project="$project" >/dev/null 2>&1 ||
    gcloud iam service-accounts create finops-reader --project="$project" --display-name="FinOps reads" --quiet

if [ -n "$table" ]; then
    turn_on bigquery.googleapis.com
    role finopsRunQueries bigquery.jobs.create
    role finopsReadTable bigquery.tables.get,bigquery.tables.getData
    bind "projects/$project" finopsRunQueries
    case $table in # Google shares the FOCUS export as a whole dataset
        *.gcp_billing_export_focus*) what="SCHEMA \`${table%.*}\`" ;;
        *) what="TABLE \`$table\`" ;;
    esac
    bq query --project_id="$project" --use_legacy_sql=false \
        "GRANT \`$roles/roles/finopsReadTable\` ON $what TO '$member'"
fi
if [ -n "$inventory" ]; then
    turn_on cloudasset.googleapis.com
    role finopsReadInventory cloudasset.assets.listResource
    role finopsUseApis serviceusage.services.use
    bind "$inventory" finopsReadInventory
    bind "projects/$project" finopsUseApis
fi
if [ -n "$bucket" ]; then
    role finopsReadFiles storage.objects.get,storage.objects.list
    gcloud storage buckets add-iam-policy-binding "gs://$bucket" \
        --member="$member" --role="$roles/roles/finopsReadFiles" --quiet >/dev/null
fi
if [ -n "$metrics" ]; then
    role finopsReadMetrics monitoring.timeSeries.list,monitoring.metricDescriptors.list
    for one in $metrics; do
        gcloud services enable monitoring.googleapis.com --project="$one" --quiet
        bind "projects/$one" finopsReadMetrics
    done
fi
if [ -n "$prices" ]; then
    turn_on cloudbilling.googleapis.com
fi
if [ -n "$workload" ]; then
    gcloud iam service-accounts add-iam-policy-binding "$account" --project="$project" --quiet \
        --role=roles/iam.workloadIdentityUser --member="serviceAccount:$project.svc.id.goog[$workload]" >/dev/null
    echo "Annotate the Kubernetes service account: iam.gke.io/gcp-service-account=$account"
fi
if [ -n "$key" ]; then
    gcloud iam service-accounts keys create "$key" --iam-account="$account" --project="$project" --quiet
fi
echo "Service account: $account"
echo "A new role takes up to ten minutes to be known."
