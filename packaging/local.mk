dist_man_MANS += packaging/man/lockstep.8 packaging/man/lockstep-lst.1 packaging/man/lockstep-pack.1 packaging/man/lockstep-manifest.1 \
	packaging/man/lockstep-channels.1 \
	packaging/man/lockstep.conf.5 packaging/man/lockstep-journal.5
dist_doc_DATA = README.md LICENSE COPYING.OpenSSL conf/lockstep.conf.sample \
	docs/architecture.md docs/control.md docs/journal.md docs/lists.md docs/operations.md \
	docs/security.md \
	packaging/lockstep-sysctl.conf

# The unit names the program where it is installed.
# One text for both: the template's instances have a configuration and a state of their own.
packaging/lockstep.service: packaging/lockstep.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) packaging && sed -e 's|@bindir[@]|$(bindir)|g' \
		-e 's|@instance_option[@]||' -e 's|@state[@]|lockstep|' \
		$(srcdir)/packaging/lockstep.service.in >$@
packaging/lockstep@.service: packaging/lockstep.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) packaging && sed -e 's|@bindir[@]|$(bindir)|g' \
		-e 's|@instance_option[@]| -c /etc/lockstep/%i.conf|' \
		-e 's|@state[@]|lockstep-%i|' -e 's|^\(Description=.*\)|\1 (%i)|' \
		-e 's|/etc/lockstep/environment|/etc/lockstep/%i.environment|' \
		$(srcdir)/packaging/lockstep.service.in >$@
CLEANFILES += packaging/lockstep.service packaging/lockstep@.service
all-local: packaging/lockstep.service packaging/lockstep@.service
EXTRA_DIST += packaging/lockstep.catalog packaging/lockstep.service.in packaging/lockstep-sysusers.conf \
	packaging/lockstep-tmpfiles.conf packaging/debian-packages.txt

# Completion for shells asks the program itself; both files have the same reader of what it says.
bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = packaging/completion/lockstep
zshcompletiondir = $(datadir)/zsh/site-functions
zshcompletion_DATA = packaging/completion/_lockstep
completions = $(bashcompletion_DATA) $(zshcompletion_DATA)
packaging/completion/lockstep: packaging/completion/lockstep.in
packaging/completion/_lockstep: packaging/completion/_lockstep.in
$(completions): packaging/completion/words.awk Makefile
	$(AM_V_GEN)$(MKDIR_P) packaging/completion && sed -e '/^@WORDS[@]$$/{' \
		-e 'r $(srcdir)/packaging/completion/words.awk' -e 'd' -e '}' $(srcdir)/$@.in >$@
CLEANFILES += $(completions)
EXTRA_DIST += packaging/completion/words.awk packaging/completion/lockstep.in \
	packaging/completion/_lockstep.in

# What monitoring takes from here.
dist_pkgdata_DATA = docs/status.schema.json
grafanadir = $(pkgdatadir)/grafana
dist_grafana_DATA = packaging/grafana/lockstep.json
prometheusdir = $(pkgdatadir)/prometheus
dist_prometheus_DATA = packaging/prometheus/lockstep.rules

if SYSTEMD_UNIT
systemdsystemunit_DATA = packaging/lockstep.service packaging/lockstep@.service
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
catalogdir = $(prefix)/lib/systemd/catalog
dist_catalog_DATA = packaging/lockstep.catalog
install-data-hook:
	$(MKDIR_P) "$(DESTDIR)$(sysusersdir)"
	$(INSTALL_DATA) $(srcdir)/packaging/lockstep-sysusers.conf \
		"$(DESTDIR)$(sysusersdir)/lockstep.conf"
	$(MKDIR_P) "$(DESTDIR)$(tmpfilesdir)"
	$(INSTALL_DATA) $(srcdir)/packaging/lockstep-tmpfiles.conf \
		"$(DESTDIR)$(tmpfilesdir)/lockstep.conf"
uninstall-hook:
	rm -f "$(DESTDIR)$(sysusersdir)/lockstep.conf" "$(DESTDIR)$(tmpfilesdir)/lockstep.conf"
endif

EXTRA_DIST += dev .ci/run .clang-format .clang-tidy .cppcheck-suppressions compile_flags.txt \
	tests/.clang-tidy

# What the program is linked with, for who has to know.
packaging/lockstep.spdx.json: lockstep$(EXEEXT) packaging/sbom.sh
	$(AM_V_GEN)$(MKDIR_P) packaging && PKG_CONFIG='$(PKG_CONFIG)' $(srcdir)/packaging/sbom.sh \
		lockstep$(EXEEXT) $(PACKAGE_VERSION) $(srcdir)/COPYING.OpenSSL >$@.new && mv $@.new $@
doc_DATA = packaging/lockstep.spdx.json
CLEANFILES += packaging/lockstep.spdx.json packaging/lockstep.spdx.json.new
EXTRA_DIST += packaging/sbom.sh packaging/rpm/lockstep.spec

# What dpkg-buildpackage wants at the top.
EXTRA_DIST += \
	debian/changelog \
	debian/control \
	debian/copyright \
	debian/lockstep.lintian-overrides \
	debian/rules \
	debian/source/format \
	debian/tests/control \
	debian/tests/main-job
