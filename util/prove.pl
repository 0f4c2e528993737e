#!/usr/bin/env perl

# Runs TAP tests one after another, as prove does: prove.pl [-v] [-b COMMAND]
# [-a COMMAND] [-x COMMAND] [-r RESULTS] FILE ...
#
#   -b  run before each file
#   -a  run after each file; if it fails, what it prints is a failed test
#   -x  what programs are run under
#   -r  a line "PASSED FAILED" is added to this file
#
# A file that ends *.t is a Perl script, any other a program.

use warnings;
use strict;

use Getopt::Long qw(:config require_order bundling);
use TAP::Harness;

my %opt;

GetOptions(\%opt, 'b=s', 'a=s', 'x=s', 'r=s', 'v') or exit 2;

my $failed = 0;

my $harness = TAP::Harness->new({
    verbosity => $opt{v} ? 1 : 0,
    merge     => 0,
    timer     => 0,
    color     => -t STDOUT ? 1 : 0,
    exec      => sub { $_[1] =~ /\.t$/ ? undef
                       : [split(' ', $opt{x} // ''), $_[1]] },
});

$harness->callback(parser_args => sub {
    return unless $opt{b};
    system($opt{b}) == 0 or die "failed: $opt{b}\n";
});

$harness->callback(after_test => sub {
    my ($job, $parser) = @_;

    # a plan that isn't kept, a signal: failed, though no test did
    $failed++ if $parser->has_problems && !$parser->failed;

    return unless $opt{a};

    my $out = `$opt{a}`;

    if ($?) {
        print "not ok - $job->[0] left behind:\n$out\n";
        $failed++;
    }
});

my $all = $harness->runtests(@ARGV);

$failed += $all->failed;

if (defined $opt{r}) {
    open my $results, '>>', $opt{r} or die "$opt{r}: $!\n";
    print $results scalar $all->passed, " $failed\n";
    close $results or die "$opt{r}: $!\n";
}

exit($failed || !$all->all_passed ? 1 : 0);
