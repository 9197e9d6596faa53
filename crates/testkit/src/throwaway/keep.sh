# Keeps a throwaway host until its own input ends, which it does however the test ends. $1 is the
# control group that is made for the host, or nothing; the rest is what boots it.
group=$1
shift
if [ -n "$group" ]; then
    mkdir "$group" || exit 1
    sh -c 'echo $$ > "$0/cgroup.procs" && exec "$@"' "$group" "$@" &
else
    "$@" &
fi
host=$!
# What the host says ends when it does.
exec >/dev/null 2>&1
cat
# Its first process is ended with it, and with that one all others.
kill -KILL "$host"
wait "$host"
[ -n "$group" ] || exit 0
echo 1 > "$group/cgroup.kill"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
    [ -d "$group" ] || exit 0
    sleep 0.1
done
