#!/bin/bash
# Runs a real sshd and its clients, with busybox' syslogd, in namespaces of their own: nothing of the machine is changed.
# usage: unshare --mount --propagation private --pid --fork --kill-child bash sshd.sh FOLDER PORT
set -eu
dir=$1 port=$2
mount -t tmpfs tmpfs /run; mkdir /run/sshd /run/keys; chmod 755 /run /run/keys
mount -t tmpfs tmpfs /var/log
mkdir "$dir/dev"; mount -t tmpfs tmpfs "$dir/dev"
for node in null zero urandom random tty ptmx; do touch "$dir/dev/$node"; mount --bind "/dev/$node" "$dir/dev/$node"; done
mkdir "$dir/dev/pts" "$dir/dev/shm"; mount --bind /dev/pts "$dir/dev/pts"
mount --rbind "$dir/dev" /dev

hash=$(openssl passwd -6 'right horse')
for file in passwd shadow; do cp -p "/etc/$file" "$dir/$file"; done
for user in alma kim pat; do echo "$user:x:2001:2001::/:/bin/sh" >> "$dir/passwd"; done
for user in alma pat; do echo "$user:$hash:19000:0:99999:7:::" >> "$dir/shadow"; done
echo "kim:$hash:19000:0:99999:7::1:" >> "$dir/shadow" # whose account has expired
for file in passwd shadow; do mount --bind "$dir/$file" "/etc/$file"; done

for key in host good wrong ca; do ssh-keygen -q -t ed25519 -N '' -f "$dir/$key"; done
cp "$dir/wrong" "$dir/forged"; cp "$dir/wrong.pub" "$dir/forged.pub"
ssh-keygen -q -s "$dir/ca" -n eve -I 'k from 198.51.100.66 port 6 ssh2: RSA-CERT SHA256:B ID y' "$dir/forged.pub"
for user in alma kim root; do cp "$dir/good.pub" "/run/keys/$user"; chmod 644 "/run/keys/$user"; done
cat > "$dir/sshd_config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $dir/host
AuthorizedKeysFile /run/keys/%u
StrictModes no
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication yes
PermitRootLogin no
DenyUsers pat
MaxStartups 100
UseDNS no
END
busybox syslogd -n -O "$dir/messages" &
syslogd=$!
while [ ! -S /dev/log ]; do sleep 0.05; done
/usr/sbin/sshd -D -f "$dir/sshd_config" &
sshd=$!
until grep -q 'Server listening' "$dir/messages" 2>/dev/null; do sleep 0.05; done

ask() { printf '#!/bin/sh\necho "%s"\n' "$2" > "$dir/$1"; chmod 700 "$dir/$1"; }
ask right 'right horse'; ask wrongpass 'wrong horse'
client() { # askpass user key options
  local ask=$1 user=$2 key=$3; shift 3
  SSH_ASKPASS="$dir/$ask" SSH_ASKPASS_REQUIRE=force DISPLAY=: setsid ssh -F none -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o IdentitiesOnly=yes -o IdentityAgent=none -i "$dir/$key" "$@" "$user@127.0.0.1" true >/dev/null 2>>"$dir/clients" </dev/null || true
}
password='-o PreferredAuthentications=password -o NumberOfPasswordPrompts=1'
client right alma good -o PreferredAuthentications=publickey & a=$!
client right alma none $password & b=$!
client wrongpass alma none $password & c=$!
client wrongpass alma none -o PreferredAuthentications=keyboard-interactive -o NumberOfPasswordPrompts=2 & d=$!
client right eve forged -o CertificateFile="$dir/forged-cert.pub" -o PreferredAuthentications=publickey & e=$!
client right kim good -o PreferredAuthentications=publickey & f=$!
client right pat none $password & g=$!
client right root good -o PreferredAuthentications=publickey & h=$!
client right alma wrong -o PreferredAuthentications=publickey & i=$!
wait $a $b $c $d $e $f $g $h $i
# The children of sshd write after their clients have gone, on a busy machine long after.
for _ in $(seq 200); do [ "$(grep -c 'session closed for user alma' "$dir/messages")" -ge 2 ] && break; sleep 0.1; done
until size=$(wc -c < "$dir/messages"); sleep 0.5; [ "$size" = "$(wc -c < "$dir/messages")" ]; do :; done
kill $sshd; sleep 0.1; kill $syslogd; wait $syslogd || true
