using System.CommandLine;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd completion</c>: a shell's script that asks this program what may follow.</summary>
internal static class CompletionVerb
{
    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh, fish or powershell", HelpName = "shell" }.AcceptOnlyFromAmong("bash", "zsh", "fish", "powershell");
        var command = new Command("completion", "Prints a script that completes verbs, options, models and recipes in your shell; its first lines say where it goes") { shell };
        command.SetAction(result => result.InvocationConfiguration.Output.Write(result.GetRequiredValue(shell) switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            "fish" => Fish,
            _ => PowerShell,
        }));
        return command;
    }

    // Words are compared by hand: compgen -W would carry out what stands in them. Files where nothing else fits.
    private const string Bash = """
        # bash: put this into ~/.bashrc
        #   source <(spectralkd completion bash)
        _spectralkd_complete() {
            local word line
            word=${COMP_LINE:0:COMP_POINT}
            word=${word##*[[:space:]]}
            local last=${COMP_WORDS[COMP_CWORD]}
            COMPREPLY=()
            while IFS= read -r line; do
                if [[ -n $line && $line == "$word"* ]]; then COMPREPLY+=("${line:$(( ${#word} - ${#last} ))}"); fi
            done < <(spectralkd "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
            if [[ ${COMPREPLY[0]-} == *= ]]; then compopt -o nospace 2>/dev/null; fi
        }
        complete -o bashdefault -o default -F _spectralkd_complete spectralkd

        """;

    private const string Zsh = """
        # zsh: put this into ~/.zshrc, after compinit
        #   source <(spectralkd completion zsh)
        _spectralkd_complete() {
            local line=${(j: :)words}
            local -a found
            found=("${(@f)$(spectralkd "[suggest:${#line}]" "$line" 2>/dev/null)}")
            found=(${found:#})
            local -a fields=(${(M)found:#*=}) names=(${found:#*=})
            compadd -S '' -a fields
            compadd -a names
            _files
        }
        compdef _spectralkd_complete spectralkd

        """;

    private const string Fish = """
        # fish: spectralkd completion fish > ~/.config/fish/completions/spectralkd.fish
        function __spectralkd_complete
            set -l line (commandline -cp)
            spectralkd "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c spectralkd -a "(__spectralkd_complete)"

        """;

    private const string PowerShell = """
        # PowerShell: put this into $PROFILE
        #   spectralkd completion powershell | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName spectralkd -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            spectralkd "[suggest:$cursorPosition]" "$commandAst".PadRight($cursorPosition) 2>$null |
                Where-Object { $_ -like "$wordToComplete*" } |
                ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
        }

        """;
}
