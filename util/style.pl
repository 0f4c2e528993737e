#!/usr/bin/env perl

# Looks at C sources as nginx writes them: style.pl [FILE ...], all of src
# without names. Tabs and lines over 79 columns fail; the rest advises.

use warnings;
use strict;

use File::Basename qw(dirname basename);

my $width = 79;
my $max_function = 120;
my $max_file = 1000;

my ($errors, $advices) = (0, 0);

chdir dirname($0) . '/..' or die "no checkout: $!\n";

my @files = @ARGV ? @ARGV : sort glob('*.[ch] src/*/*.[ch] t/unit/*.[ch] '
                                       . 't/fuzz/*.[ch]');

check_file($_) for @files;

print "$errors errors, $advices advices in ", scalar @files, " files\n";
exit($errors ? 1 : 0);


sub wrong {
    my ($file, $line, $text) = @_;

    $errors++;
    print "$file:$line: error: $text\n";
}


sub advise {
    my ($file, $line, $text) = @_;

    $advices++;
    print "$file:$line: advice: $text\n";
}


sub check_file {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!\n";
    my @raw = <$in>;
    close $in;

    for my $i (0 .. $#raw) {
        check_raw($file, $i + 1, $raw[$i]);
    }

    advise($file, scalar @raw, "no newline at end of file")
        if @raw && $raw[-1] !~ /\n\z/;
    advise($file, 1, "over $max_file lines") if @raw > $max_file;
    advise($file, 1, "begins with an empty line, then the copyright")
        unless join('', @raw) =~ m{\A\n/\*\n \* Copyright \(C\) };

    chomp @raw;
    my @code = without_comments(@raw);

    for my $i (0 .. $#code) {
        check_line($file, $i + 1, $code[$i], $i ? $code[$i - 1] : '',
                   $i < $#code ? $code[$i + 1] : '');
    }

    check_functions($file, \@raw, \@code);
    check_statics($file, \@code) if $file =~ /\.c$/;
    check_guard($file, @code) if $file =~ /\.h$/;
}


sub check_raw {
    my ($file, $n, $line) = @_;

    chomp $line;

    wrong($file, $n, "tab") if $line =~ /\t/;
    wrong($file, $n, "over $width columns") if length($line) > $width;
    advise($file, $n, "trailing space") if $line =~ /\s$/;
    advise($file, $n, "not ASCII") if $line =~ /[^\x00-\x7f]/;
}


# comments and the contents of strings made blank, columns kept

sub without_comments {
    my $text = join("\n", @_);

    $text =~ s{(/\*.*?\*/)|("(?:\\.|[^"\\\n])*")|('(?:\\.|[^'\\\n])*')}
              {defined $1 ? $1 =~ s/[^\n]/ /gr
               : substr($&, 0, 1) . ' ' x (length($&) - 2)
                 . substr($&, -1)}gse;

    return map { s/\s+$//r } split /\n/, $text, -1;
}


sub check_line {
    my ($file, $n, $line, $before, $after) = @_;

    advise($file, $n, "// comment") if $line =~ m{//};
    advise($file, $n, "no space before (")
        if $line =~ /\b(?:if|for|while|switch|return)\(/;
    advise($file, $n, "a cast is \"(type *) value\"")
        if $line =~ /\(\w+\*+\)|\(\w+_t \*+\)[\w&*]/;
    advise($file, $n, "an empty line before else")
        if $line =~ /^\s*\} else\b/ && $before ne '';
    advise($file, $n, "the brace after a wrapped condition stands alone")
        if $line =~ /^\s*(?:&&|\|\||[=!<>]=).*\) \{$/;
    advise($file, $n, "declaration in for") if $line =~ /\bfor \(\w+ +\**\w+ =/;
    advise($file, $n, "no braces")
        if $line =~ /^\s*(?:if|while|for) \(.*\)$/ && $after !~ /^\s*\{|^\s+\S+/;
    advise($file, $n, "the type stands on its own line")
        if $line =~ /^(?:static )?[a-z]\w*(?: \*?| \*)[a-z]\w*\([^;]*\)$/
           && $after eq '{';
}


# what lies between a "{" and a "}" in column 0, after a name in column 0

sub check_functions {
    my ($file, $raw, $code) = @_;
    my ($start, $name);

    for my $i (0 .. $#$code) {
        my $line = $code->[$i];

        if (!defined $start && $i && $code->[$i - 1] =~ /^[a-z][\w *]*$/
            && $line =~ /^([a-z]\w*)\(/)
        {
            ($start, $name) = ($i, $1);

            my $top = $i - 1;
            $top-- while $top > 0 && $raw->[$top - 1] =~ m{^(?: ?\*|/\*)};
            $top-- if $top > 1 && $raw->[$top - 1] eq ''
                      && $raw->[$top - 2] =~ m{\*/$};
            $top-- while $top > 0 && $raw->[$top - 1] =~ m{^(?: ?\*|/\*)};

            advise($file, $i + 1, "two empty lines before $name()")
                if $top > 2 && $raw->[$top - 1] !~ /^#/
                   && ($raw->[$top - 1] ne '' || $raw->[$top - 2] ne '');

        } elsif (defined $start && $line eq '}') {
            advise($file, $start + 1, "$name() has over $max_function lines")
                if $i - $start > $max_function;
            check_logs($file, $raw, $start, $i);
            undef $start;

        } elsif (defined $start && $line =~ /;$/ && $line =~ /^\S|^    \S.*\);$/
                 && $i - $start < 6 && !grep { $_ eq '{' }
                                        @$code[$start .. $i])
        {
            undef $start;
        }
    }
}


sub check_logs {
    my ($file, $raw, $from, $to) = @_;
    my $text = join("\n", @$raw[$from .. $to]);

    while ($text =~ /\bngx_(?:conf_)?log_error\([^"]*?"((?:\\.|[^"\\])*)"/gs) {
        my ($message, $at) = ($1, $from + 1 + (substr($text, 0, $-[1]) =~ tr/\n//));

        advise($file, $at, "log text begins with a capital")
            if $message =~ /^[A-Z][a-z]/;
        advise($file, $at, "log text ends with a dot")
            if $message =~ /[^.]\.$/;
    }
}


sub check_statics {
    my ($file, $code) = @_;
    my %prototype;

    for my $i (1 .. $#$code) {
        $prototype{$1} = 1 if $code->[$i] =~ /^static .*?\b(\w+)\(/;
        next unless $code->[$i - 1] =~ /^static [\w *]+$/
                    && $code->[$i] =~ /^(\w+)\(/;
        advise($file, $i + 1, "static without a prototype: $1()")
            unless $prototype{$1};
    }
}


sub check_guard {
    my ($file, @code) = @_;
    my $guard = '_' . uc(basename($file) =~ s/\./_/gr) . '_INCLUDED_';

    advise($file, 1, "no guard $guard")
        unless grep { $_ eq "#ifndef $guard" } @code;
}
