# bash completion for tkskctl; made by `tkskctl completion bash`
_tkskctl()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local first='' second='' words='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --socket|--lang|--as|--passphrase-file|--key) ((i++)) ;;
        -*) ;;
        *) if [ -z "$first" ]; then first=${COMP_WORDS[i]}
           elif [ -z "$second" ]; then second=${COMP_WORDS[i]}; fi ;;
        esac
    done
    case $prev in
    --lang) COMPREPLY=($(compgen -W 'id en' -- "$cur")); return ;;
    --socket|--passphrase-file|--key|--root-key|-o)
        COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --reason)
        COMPREPLY=($(compgen -W 'succession ended leaked' -- "$cur")); return ;;
    --lane) COMPREPLY=($(compgen -W 'urgent normal bulk' -- "$cur")); return ;;
    esac
    case $first in
    '') words=' status put isi edit ubah delete hapus apply import impor export ekspor list cari show lihat audit audit daftar audit periksa attention perhatian announcements pengumuman coverage cakupan forum draft draf draf lihat draf ubah draf kirim draf buang countersign tandatangan daftar tandatangan lihat tandatangan tolak tandatangan sign teken explain jelaskan unanswered belum-dijawab receipt tanda-terima answer disposisi count hitung blob blob ambil blob daftar conflict bundle reconcile cocokkan policy enrol daftar operator unlock buka lock kunci nodes trust node review snapshot query verify backup restore metrics completion help bantuan --node --hub --socket --json --lang --as --passphrase-file --key --version --help' ;;
    status) words=' --watch' ;;
    put|isi) words=' --draf --lane --request' ;;
    edit|ubah) words=' --draf --request' ;;
    delete|hapus) words=' --yes --request' ;;
    apply) words=' --draf --request' ;;
    import|impor) words=' --dry-run --ignore --encoding --template' ;;
    export|ekspor) words=' --full --reason' ;;
    list|cari) words=' --max --full --reason' ;;
    show|lihat) words=' --full --reason' ;;
    audit) if [ -z "$second" ]; then words=' list verify'; fi ;;
    attention|perhatian) words=' --done' ;;
    announcements|pengumuman) words=' --unread' ;;
    coverage|cakupan) words='' ;;
    forum) words=' --to --max --request' ;;
    draft) if [ -z "$second" ]; then words=' list show edit send discard'; fi ;;
    countersign) if [ -z "$second" ]; then words=' list show refuse'; fi ;;
    countersign|tandatangan) words=' --all --yes' ;;
    sign|teken) words=' --request' ;;
    explain|jelaskan) words='' ;;
    unanswered|belum-dijawab) words=' --unit --days' ;;
    receipt|tanda-terima) words='' ;;
    answer|disposisi) words=' --request' ;;
    count|hitung) words='' ;;
    blob) if [ -z "$second" ]; then words=' get list'; fi ;;
    conflict) if [ -z "$second" ]; then words=' list resolve'; fi ;;
    bundle) if [ -z "$second" ]; then words=' export import'; fi ;;
    reconcile|cocokkan) words=' --month' ;;
    policy) if [ -z "$second" ]; then words=' show check sign publish'; fi ;;
    enrol|daftar) words='' ;;
    operator) if [ -z "$second" ]; then words=' add reset words credential list approve renew end'; fi ;;
    unlock|buka) words='' ;;
    lock|kunci) words=' --all' ;;
    nodes) words='' ;;
    trust) if [ -z "$second" ]; then words=' init'; fi ;;
    node) if [ -z "$second" ]; then words=' invite approve show revoke'; fi ;;
    review) if [ -z "$second" ]; then words=' list show accept refuse'; fi ;;
    snapshot) words=' --reason' ;;
    query) words=' --limit-ms --full --reason' ;;
    verify) words='' ;;
    backup) words='' ;;
    restore) words=' --yes' ;;
    metrics) words='' ;;
    completion) words=' bash' ;;
    help|bantuan) words=' --man' ;;
    esac
    case "$first $second" in
    'audit list') words=' --max' ;;
    'audit verify') words='' ;;
    'draft list') words='' ;;
    'draft show') words='' ;;
    'draft edit') words=' --drop' ;;
    'draft send') words=' --drop --lane --request' ;;
    'draft discard') words=' --yes' ;;
    'countersign list') words='' ;;
    'countersign show') words='' ;;
    'countersign refuse') words=' --reason --yes' ;;
    'blob get') words=' -o --force --full --reason' ;;
    'blob list') words='' ;;
    'conflict list') words='' ;;
    'conflict resolve') words=' --choose --value --request' ;;
    'bundle export') words=' --part-size --force' ;;
    'bundle import') words=' -o --part-size --force' ;;
    'policy show') words=' --at' ;;
    'operator add') words=' --role' ;;
    'operator reset') words=' --role --yes' ;;
    'operator words') words='' ;;
    'operator credential') words=' -o' ;;
    'operator list') words='' ;;
    'trust init') words=' --district --root-key --officer --root --endpoint' ;;
    'node invite') words=' --hours -o' ;;
    'node approve') words=' --words --area' ;;
    'node show') words='' ;;
    'node revoke') words=' --reason --yes' ;;
    'operator approve') words=' --sk --from --until --role --area --words --succeeds --acting' ;;
    'operator renew') words=' --expiring --sk --until --acting --yes' ;;
    'operator end') words=' --reason --yes' ;;
    'policy check') words=' --district --rules-version' ;;
    'policy sign') words=' -o' ;;
    'policy publish') words='' ;;
    'review list') words='' ;;
    'review show') words='' ;;
    'review accept') words=' --author --yes' ;;
    'review refuse') words=' --author --yes' ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -F _tkskctl tkskctl
