namespace SpectralKD.Notebook.Session.Compiling;

/// <summary>
/// Tells code whose brackets are nested so deeply that the compiler's parser, which asks for no room on the stack where it looks for types, would end the
/// process: some 4,000 opening parentheses do.
/// </summary>
internal static class NestedCode
{
    /// <summary>How deep brackets may be nested.</summary>
    public const int Deepest = 500;

    /// <summary>True where more than <see cref="Deepest"/> brackets are open at a time. Text in quotes counts as well.</summary>
    public static bool IsTooDeep(string code)
    {
        var open = 0;
        var angles = 0;
        foreach (var character in code)
        {
            switch (character)
            {
                case '(' or '[' or '{':
                    open++;
                    break;
                case ')' or ']' or '}':
                    open = Math.Max(open - 1, 0);
                    break;
                case '<':
                    angles++;
                    break;
                case '>':
                    angles = Math.Max(angles - 1, 0);
                    break;
                case ';':
                    angles = 0;
                    break;
            }
            if (open > Deepest || angles > Deepest)
            {
                return true;
            }
        }
        return false;
    }
}
