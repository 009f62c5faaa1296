using System.Text;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// Stands in for the process's console: what a cell, its tasks and its threads write goes to the cell; all else to the real console.
/// </summary>
internal static class CellConsole
{
    private static readonly Lock Gate = new();
    private static CellWriter? _out;
    private static CellWriter? _error;
    private static CellReader? _in;
    private static (TextWriter? Out, TextWriter? Error, TextReader? In) _console;

    /// <summary>
    /// Takes the console over; called as each cell begins, so that one that has sent it elsewhere and not back does not silence those after it.
    /// </summary>
    public static void Install()
    {
        lock (Gate)
        {
            _out ??= new CellWriter("stdout", Console.Out);
            _error ??= new CellWriter("stderr", Console.Error);
            _in ??= new CellReader(Console.In);
            if (Console.Out != _console.Out || Console.Error != _console.Error || Console.In != _console.In)
            {
                Console.SetOut(_out);
                Console.SetError(_error);
                Console.SetIn(_in);
                // The console wraps what it is given.
                _console = (Console.Out, Console.Error, Console.In);
            }
        }
    }

    /// <summary>Asks whoever reads the notebook. No error and no shell shows a password that was typed.</summary>
    /// <exception cref="SpectralKDException">Nobody can answer here.</exception>
    public static string? Ask(string prompt, bool password, string variable = "")
    {
        var run = CellExecution.Current ?? throw new SpectralKDException("input can be asked for by a running cell only");
        run.ThrowIfInterrupted();
        run.Output.Flush();
        var request = new InputRequest(prompt, password, variable);
        var ask = run.Session.Options.Input
            ?? throw new SpectralKDException($"this cell asks for input, but nobody can answer here: run it in Jupyter, or {request.OtherWay}");
        var answer = ask(request, run.Token).GetAwaiter().GetResult();
        if (password)
        {
            run.Session.Hidden.Add(answer ?? "");
        }

        return answer;
    }

    private sealed class CellWriter(string name, TextWriter real) : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => Write(value.ToString());

        public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

        public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

        public override void WriteLine(string? value) => Write(value + NewLine);

        public override void WriteLine() => Write(NewLine);

        public override void Flush()
        {
            if (CellExecution.Current is null)
            {
                real.Flush();
            }
        }

        public override void Write(string? value)
        {
            if (string.IsNullOrEmpty(value))
            {
                return;
            }

            if (CellExecution.Current is { } run)
            {
                run.ThrowIfInterrupted();
                run.Output.Stream(name, value);
            }
            else
            {
                real.Write(value);
            }
        }
    }

    private sealed class CellReader(TextReader real) : TextReader
    {
        private static readonly AsyncLocal<StringBuilder?> RestOfLine = new();

        public override string? ReadLine() => CellExecution.Current is null ? real.ReadLine() : TakeRest() ?? Ask("", password: false);

        // There is no end of input in a notebook: one answer is all.
        public override string ReadToEnd() => CellExecution.Current is null ? real.ReadToEnd() : ReadLine() ?? "";

        public override int Peek() => CellExecution.Current is null ? real.Peek() : Rest().Length > 0 ? Rest()[0] : -1;

        public override int Read()
        {
            if (CellExecution.Current is null)
            {
                return real.Read();
            }

            var rest = Rest();
            if (rest.Length == 0)
            {
                rest.Append(Ask("", password: false)).Append('\n');
            }

            var first = rest[0];
            rest.Remove(0, 1);
            return first;
        }

        private static StringBuilder Rest() => RestOfLine.Value ??= new StringBuilder();

        private static string? TakeRest()
        {
            var rest = Rest();
            if (rest.Length == 0)
            {
                return null;
            }

            var line = rest.ToString().TrimEnd('\n');
            rest.Clear();
            return line;
        }
    }
}
