#!/bin/sh
# Makes a service account by which FinOps stops and starts what its policies name: machines, GKE node pools, notebooks.
# It can neither make nor delete anything, nor change who may do what. Reading needs gcp-read-role.sh, not this.
# Needs the Google Cloud CLI, signed in (gcloud auth login); may be run again.
# Usage: sh gcp-act-role.sh PROJECT WHERE [roles=organizations/N] [endpoints=yes] [workload=NAMESPACE/NAME] [key=FILE]
# PROJECT    where the service account is kept
# WHERE      projects/ID, folders/N or organizations/N: what it may act on, with all that is below it
# roles      where the roles are kept: needed where WHERE is not PROJECT
# endpoints  also lets it take models off Vertex AI endpoints and put them back: calls fail in between
# workload   the Kubernetes service account, in a GKE cluster of PROJECT, that the worker runs as: it needs no key
# key        where a key is written, for a server that has no Google Cloud identity of its own
set -eu

if [ $# -lt 2 ]; then
    sed -n 's/^# \(Usage.*\)/\1/p' "$0" >&2
    exit 2
fi
project=$1 where=$2 roles="projects/$1" endpoints="" workload="" key=""
shift 2
for argument in "$@"; do
    case $argument in
        roles=organizations/*) roles=${argument#*=} ;;
        endpoints=yes) endpoints=yes ;;
        workload=*) workload=${argument#*=} ;;
        key=*) key=${argument#*=} ;;
        *) echo "$argument is not known: see the first lines of $0." >&2; exit 2 ;;
    esac
done
case $roles in
    organizations/*) home="--organization=${roles#*/}" ;;
    *) home="--project=$project" ;;
esac
if [ "$where" != "projects/$project" ] && [ "$roles" = "projects/$project" ]; then
    echo "$where is outside $project: say where the roles are kept, as roles=organizations/N." >&2
    exit 2
fi

account="finops-actor@$project.iam.gserviceaccount.com"
member="serviceAccount:$account"
seen="compute.instances.get,compute.zoneOperations.get,container.clusters.get,container.operations.get"
seen="$seen,notebooks.instances.get,notebooks.operations.get"
stop="$seen,compute.instances.stop,container.clusters.update,notebooks.instances.stop"
start="$seen,compute.instances.start,container.clusters.update,notebooks.instances.start"
if [ -n "$endpoints" ]; then
    stop="$stop,aiplatform.endpoints.get,aiplatform.endpoints.undeploy"
    start="$start,aiplatform.endpoints.get,aiplatform.endpoints.deploy"
fi

# grant NAME PERMISSIONS: a role as it is to be, whether it was there or not, for the service account
grant() {
    if gcloud iam roles describe "$1" "$home" >/dev/null 2>&1; then verb=update; else verb=create; fi
    gcloud iam roles "$verb" "$1" "$home" --title="FinOps acts: $1" --permissions="$2" --stage=GA --quiet >/dev/null
    case $where in
        projects/*) bind="gcloud projects" ;;
        folders/*) bind="gcloud resource-manager folders" ;;
        organizations/*) bind="gcloud organizations" ;;
        *) echo "$where is neither projects/ID nor folders/N nor organizations/N." >&2; exit 2 ;;
    esac
    $bind add-iam-policy-binding "${where#*/}" \
        --member="$member" --role="$roles/roles/$1" --condition=None --quiet >/dev/null
}

gcloud iam service-accounts describe "$account" --project="$project" >/dev/null 2>&1 ||
    gcloud iam service-accounts create finops-actor --project="$project" --display-name="FinOps acts" --quiet
grant finopsStop "$stop"
grant finopsStart "$start"

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
