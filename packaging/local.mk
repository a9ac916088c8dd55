dist_man_MANS += packaging/man/lockstep.8 packaging/man/lockstep-lst.1 packaging/man/lockstep.conf.5
dist_doc_DATA = README.md LICENSE COPYING.OpenSSL conf/lockstep.conf.sample \
	docs/architecture.md docs/control.md docs/journal.md docs/lists.md docs/operations.md \
	packaging/lockstep-sysctl.conf

# The unit names the program where it is installed.
packaging/lockstep.service: packaging/lockstep.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) packaging && sed -e 's|@bindir[@]|$(bindir)|g' \
		$(srcdir)/packaging/lockstep.service.in >$@
CLEANFILES += packaging/lockstep.service
EXTRA_DIST += packaging/lockstep.service.in packaging/lockstep-sysusers.conf \
	packaging/debian-packages.txt

if SYSTEMD_UNIT
systemdsystemunit_DATA = packaging/lockstep.service
sysusersdir = $(prefix)/lib/sysusers.d
install-data-hook:
	$(MKDIR_P) "$(DESTDIR)$(sysusersdir)"
	$(INSTALL_DATA) $(srcdir)/packaging/lockstep-sysusers.conf \
		"$(DESTDIR)$(sysusersdir)/lockstep.conf"
uninstall-hook:
	rm -f "$(DESTDIR)$(sysusersdir)/lockstep.conf"
endif

EXTRA_DIST += dev .ci/run .clang-format .clang-tidy .cppcheck-suppressions compile_flags.txt \
	tests/.clang-tidy
