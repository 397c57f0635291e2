#!/bin/sh
# Slurm on this machine alone, to try a job script: no systemd, no database.
#
#     apt-get install --no-install-recommends slurm-wlm munge   # Debian, as root
#     tools/one_node_slurm.sh start /tmp/slurm
#     export SLURM_CONF=/tmp/slurm/slurm.conf
#     sbatch --array=1-2 docs/cluster/seeds.sbatch
#     tools/one_node_slurm.sh stop /tmp/slurm
#
# As root: slurmd starts the tasks of any user. All it writes is in that folder,
# but for munged's socket in /run/munge.

set -eu

usage() {
    echo "usage: $0 start|stop FOLDER" >&2
    exit 2
}

fail() {
    echo "$0: $1" >&2
    exit 1
}

# Waits up to 20 seconds for a command to succeed.
wait_for() {
    tries=0
    until "$@" > /dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 40 ] || return 1
        sleep 0.5
    done
}

is_idle() {
    [ "$(sinfo --noheader --format=%T)" = idle ]
}

start() {
    [ "$(id -u)" = 0 ] || fail 'slurmd needs root'
    for program in munged slurmctld slurmd sinfo; do
        command -v "$program" > /dev/null || fail "$program is missing;\
 apt-get install --no-install-recommends slurm-wlm munge"
    done
    [ ! -e "$folder/slurm.conf" ] || fail "$folder has a Slurm already; stop it"
    mkdir -p "$folder/state" "$folder/spool"
    host=$(hostname -s)
    # What slurmd finds here: CPUs, sockets, cores, threads, memory.
    node=$(slurmd -C | grep '^NodeName=' | tr ' ' '\n' | grep -v '^UpTime=' |
        tr '\n' ' ')
    cat > "$folder/slurm.conf" << END
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
# A task is kept to the cores that it is given.
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
$node NodeAddr=127.0.0.1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
    if ! munge -n > /dev/null 2>&1; then
        install -d -o munge -g munge -m 0755 /run/munge
        runuser -u munge -- munged --pid-file=/run/munge/munged.pid
        wait_for munge -n || fail 'munged does not answer'
        touch "$folder/munged.ours"
    fi
    slurmctld -f "$folder/slurm.conf"
    slurmd -f "$folder/slurm.conf"
    export SLURM_CONF="$folder/slurm.conf"
    wait_for is_idle || fail "the node does not come up; see $folder/*.log"
    sinfo
    echo "export SLURM_CONF=$SLURM_CONF"
}

stop() {
    for name in slurmd slurmctld; do
        if [ -e "$folder/$name.pid" ]; then
            kill "$(cat "$folder/$name.pid")" 2> /dev/null || true
        fi
    done
    if [ -e "$folder/munged.ours" ]; then
        kill "$(cat /run/munge/munged.pid)" 2> /dev/null || true
        rm -f "$folder/munged.ours"
    fi
    mv "$folder/slurm.conf" "$folder/slurm.conf.stopped"
}

[ $# = 2 ] || usage
mkdir -p "$2"
folder=$(cd "$2" && pwd)
case $1 in
    start) start ;;
    stop) stop ;;
    *) usage ;;
esac
