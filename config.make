
# the embedded scripts and statements

cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/ngx_ws_scripts.h:	$ngx_ws_dir/util/embed.sh $ngx_ws_lua
	sh $ngx_ws_dir/util/embed.sh lua $ngx_ws_lua > \$@.tmp
	mv \$@.tmp \$@

$NGX_OBJS/ngx_ws_sql.h:	$ngx_ws_dir/util/embed.sh $ngx_ws_sql
	sh $ngx_ws_dir/util/embed.sh sql $ngx_ws_sql > \$@.tmp
	mv \$@.tmp \$@

END


# developers' warnings, for our own objects only (GNU make); nginx's own
# options make each an error

if [ "$NGX_WS_WARNINGS" = YES ]; then

    ngx_ws_warnings="-Wshadow -Wstrict-prototypes -Wmissing-prototypes \
                     -Wdeclaration-after-statement -Wvla -Wformat=2 \
                     -Wimplicit-fallthrough -Wswitch -Wnull-dereference"

    for ngx_ws_src in $ngx_ws_srcs
    do
        ngx_ws_obj=`basename \`dirname $ngx_ws_src\``/`basename $ngx_ws_src .c`

        case $ngx_ws_obj in
            proto/*)  ngx_ws_more="-Wconversion -Wsign-conversion" ;;
            *)        ngx_ws_more= ;;
        esac

        cat << END                                            >> $NGX_MAKEFILE
$NGX_OBJS/addon/$ngx_ws_obj.$ngx_objext:	CFLAGS += $ngx_ws_warnings $ngx_ws_more
END
    done

fi
